"""Command `python -m training.adopt FILE...`: other code's weights as a run.

Every analysis reads such a run. It has no provenance, which marks weights that this project did not train,
and a config of the task and of the model's sizes, read from the weights. Further arms and seeds of one config
join it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable
from training.models.registry import MODELS

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training.adopt",
        description="Turn checkpoints that other code trained into a run directory for the analyses.",
        epilog="Weights do not say what function they belong to. Without a config in the file, or next to it,"
        " a transformer is taken as causal, ReLU and without LayerNorm; the accuracy shows if that is right.",
    )
    p.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="state dicts, one or several to a file: .pt, .pth, .safetensors",
    )
    p.add_argument(
        "--model",
        required=True,
        choices=[name for name, model in MODELS.items() if model.infers_sizes],
        help="model that the weights belong to",
    )
    p.add_argument("--out", required=True, metavar="DIR", help="run directory to write, as in runs/NAME")
    p.add_argument("--p", type=int, help="number of residues, for tasks mod p")
    p.add_argument("--task", default="add", metavar="NAME", help="name of the task: an operation, or another")
    p.add_argument(
        "--frac-train",
        type=float,
        metavar="SHARE",
        help="share of the pairs trained on, as this project draws them; without it and --train-indices the "
        "split is unknown, and what needs it is left out",
    )
    p.add_argument(
        "--train-indices",
        metavar="FILE",
        help="training pairs, .txt, .csv, .json, .npy or .pt: a row a b each, or flat indices a*p + b",
    )
    p.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="a further field, as in task.pairs=ordered or pruning.sparsity=0.7; may be repeated",
    )
    p.add_argument(
        "--steps",
        type=int,
        nargs="+",
        metavar="STEP",
        help="steps of the state dicts (default: those in the files, or the last number of each name)",
    )
    p.add_argument("--arm", default="dense", help="name of the arm")
    p.add_argument("--seed", type=int, default=0, help="seed of the arm")
    p.add_argument(
        "--metrics",
        action=argparse.BooleanOptionalAction,
        help="write losses and accuracies of every checkpoint (default: if the split is known)",
    )
    p.add_argument(
        "--metrics-file",
        metavar="FILE",
        help="curves that the other code recorded, .csv or .parquet: step, train_acc, test_acc, …",
    )
    p.add_argument(
        "--mask",
        metavar="FILE|zeros|none",
        help="mask of the weights: a file of masks; zeros: what is exactly 0 at every step; none: nothing is "
        "pruned (default: masks that come with the weights, else zeros)",
    )
    p.add_argument(
        "--rename",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="name of a weight, or of a column of --metrics-file, in this project's words; may be repeated",
    )
    p.add_argument(
        "--force",
        action="store_true",
        help="replace this arm and seed if they exist; the old files move to arms/.replaced of the run",
    )
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, read, rename, write."""
    args = parser().parse_args(argv)
    return run_command(lambda: _adopt(args))


def _adopt(args: argparse.Namespace) -> int:
    """Read the weights, write them as an arm, and print a summary."""
    from training.adopt.adoption import Adoption
    from training.adopt.state_dicts import read_checkpoints

    fields = {field.name: getattr(args, field.name) for field in dataclasses.fields(Adoption)}
    adopted = Adoption(**fields).adopt(lambda: read_checkpoints(args.files, args.steps))
    steps, metrics = adopted.steps, adopted.metrics
    row: dict[str, Any] = {"arm": args.arm, "seed": args.seed, "checkpoints": len(steps)}
    row |= {"first": int(steps[0]), "last": int(steps[-1])}
    if metrics is not None:
        row |= {name: float(metrics[name][-1]) for name in ("train_acc", "test_acc")}
    elif adopted.accuracy is not None:
        row["accuracy"] = adopted.accuracy
    if args.json:
        print(json.dumps({"run": str(adopted.run.path), "model": adopted.sizes} | row, indent=2))
    else:
        print(_printed(adopted.run, adopted.sizes, row).text())
    return 0


def _printed(run: RunDir, sizes: Mapping[str, Any], row: Mapping[str, Any]) -> PrintedTable:
    """Return the table that is printed: the arm, its checkpoints, its last accuracies."""
    names = {"first": "first step", "last": "last step"}
    names |= {"train_acc": "train accuracy", "test_acc": "test accuracy"}
    model = ", ".join(f"{name} {value}" for name, value in sizes.items() if "init" not in name)
    printed = {names.get(name, name): value for name, value in row.items()}
    return PrintedTable(f"Weights adopted as {run.path}.", [printed], f"Model: {model}.")
