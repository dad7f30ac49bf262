"""`python -m figures [NAME…] --run DIR`: draw from a run's saved tables, and from nothing else.

`python -m figures make` and its like are the catalogue's: `figures.pipeline`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from figures.pipeline.command import COMMANDS
from figures.pipeline.command import main as catalogue
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir

FIGURES = {
    "grokking": ("grokking", "grokking.accuracy_curves", "train and test accuracy of every arm, with t_gen"),
    "outcomes": (
        "grokking",
        "grokking.outcomes",
        "how far every network got on both parts of the data, and when",
    ),
    "speed": (
        "speed",
        "speed.time_to_generalize",
        "networks not generalised yet, ratios of t_gen to a reference, tau against sparsity",
    ),
    "fourier": (
        "fourier",
        "fourier.periodicity",
        "entropy, IPR, the embedding's spectrum and single neurons through training",
    ),
    "phases": (
        "phases",
        "phases.phase_alignment",
        "output against input phases, and their alignment through training",
    ),
    "phase_rings": (
        "phases",
        "phases.phase_circles",
        "input phases of the neurons of every frequency, on circles",
    ),
    "magnitudes": (
        "phases",
        "phases.frequency_allocation",
        "neurons per frequency, and how equal their amplitudes are",
    ),
    "logits": (
        "logits",
        "logits.flawed_indicator",
        "the flawed indicator in the logits, and the vote of the neurons",
    ),
    "output_logits": (
        "logits",
        "logits.output_logits",
        "logits of every class at one x, beside those of ideal neurons",
    ),
    "vote_subsets": (
        "logits",
        "logits.majority_vote_subsets",
        "votes of some frequencies, and of some neurons of every frequency",
    ),
    "stages": (
        "stages",
        "stages.grokking_stages",
        "three stages of grokking, and which pairs the network knows in each",
    ),
    "lottery": (
        "lottery",
        "lottery.frequency_lottery",
        "one neuron's frequencies racing, blow-up times, and rules for the winner",
    ),
    "mechanism": (
        "mechanism",
        "mechanism.ticket_mechanism",
        "neurons settling, frequencies that survive pruning, and what tells them",
    ),
    "flow": (
        "flow",
        "flow.gradient_flow",
        "the decoupled flow against the training, what is between them, and invariants",
    ),
    "leakage": (
        "leakage",
        "leakage.harmonic_leakage",
        "harmonics of trained ReLU neurons beside theory, and the ideal neuron's",
    ),
    "progress": (
        "progress",
        "progress.progress_measures",
        "restricted and excluded loss, Gini, key frequencies and norm through training",
    ),
    "norms": (
        "norms",
        "norms.norm_paths",
        "L1 and L2 of the kept weights through training, and in their plane",
    ),
    "masks": (
        "masks",
        "masks.mask_turnover",
        "turnover of the dense network's mask beside its gain in accuracy; densities",
    ),
    "mask_overlap": ("masks", "masks.mask_overlap", "overlap of every two arms' last masks, beside chance"),
    "neurons": (
        "snapshots",
        "snapshots.single_neurons",
        "input weights of single neurons: start, memorised, end",
    ),
    "maps": (
        "snapshots",
        "snapshots.weight_maps",
        "input and output weights of all neurons over the residues: start, end",
    ),
    "matrices": (
        "snapshots",
        "snapshots.weight_matrices",
        "weight matrices with what the masks leave of them",
    ),
    "cosines": ("snapshots", "snapshots.cosine_fits", "last input and output weights with their cosines"),
    "weight_stages": (
        "snapshots",
        "snapshots.weight_stages",
        "spectra and weights of the neurons at the ends of the stages",
    ),
    "film": (
        "snapshots",
        "snapshots.training_animation",
        "animation: spectra and single neurons through training, beside accuracy",
    ),
    "graph_props": (
        "graph_props",
        "graph_props.graph_properties",
        "graph properties of every mask beside their nulls",
    ),
    "graph_layers": (
        "graph_props",
        "graph_props.layer_spectra",
        "spectra of every layer's mask beside their nulls",
    ),
}
"""The analysis whose tables each figure is drawn from, and what it shows."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = Parser(
        prog="python -m figures",
        description="Draw figures of a run from the tables that the analyses saved there.",
        epilog="Figures: "
        + "; ".join(f"{name} ({shows})" for name, (_, _, shows) in FIGURES.items())
        + ". The figures of the papers: "
        + "; ".join(f"'python -m figures {name}' to {does}" for name, does in COMMANDS.items())
        + ".",
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="figures to draw; all whose tables exist by default"
    )
    p.add_argument("--run", metavar="DIR", help="run directory; every run below --runs by default")
    p.add_argument("--runs", metavar="DIR", default="runs", help="folder of run directories (default: runs)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, draw, name the files."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return catalogue(argv)
    args = parser().parse_args(argv)
    return run_command(lambda: _draw_all(args))


def _draw_all(args: argparse.Namespace) -> int:
    from training.runs.run_directory import NoRunError, RunDir
    from training.schema.validation import ConfigError, names

    if unknown := set(args.names) - FIGURES.keys():
        raise ConfigError(f"NAME: expected some of {names(FIGURES)}, got {names(unknown)}")
    if args.run is not None and not Path(args.run).is_dir():
        raise NoRunError(f"--run: expected a run directory, and {args.run} does not exist")
    runs = (
        [Path(args.run)]
        if args.run is not None
        else sorted(path.parent for path in Path(args.runs).glob("*/analyses"))
    )
    drawn = 0
    for run in map(RunDir, runs):
        for name in args.names or FIGURES:
            if run.analysis(FIGURES[name][0], ".parquet").exists():
                drawn += 1
                print(*_draw(name, run), sep="\n")
            elif args.names:
                hint = f"python -m analyses.{FIGURES[name][0]} --run {run.path}"
                raise NoRunError(f"{name}: no tables in {run.path}; '{hint}' makes them")
    if not drawn:
        where = args.run if args.run is not None else args.runs
        hint = f"python -m analyses.fourier --run {args.run or Path(args.runs) / 'modadd_fast'}"
        raise NoRunError(f"no analysed run in {where}: '{hint}' makes tables, and draws them")
    return 0


def _draw(name: str, run: RunDir) -> list[Path]:
    from figures.drawing.render import draw_picture, tables_of

    analysis, script, _ = FIGURES[name]
    tables = {suffix: run.analysis(analysis + suffix, ".parquet") for suffix in tables_of(script)}
    note = (run.config() or {}).get("note", "")
    return draw_picture(script, tables, run.figure(name, ""), note)


if __name__ == "__main__":
    sys.exit(main())
