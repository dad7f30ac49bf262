"""Options of `python -m training RECIPE`."""

from __future__ import annotations

import argparse
import re

from training.cli.executor_option import EXECUTOR_HELP, LOCAL
from training.cli.parser import Parser


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training",
        description="Train every arm of a recipe: dense networks, their grokked tickets, and the controls.",
        epilog="'python -m training list' shows the recipes, with sizes and minutes; 'list tasks', 'list "
        "models', 'list methods', 'list starts', 'list parametrizations', 'list optimizers' and 'list "
        "fields' show what a recipe and --set can name. 'python -m training status RUN' shows what each "
        "network of a running training is at, on which worker, and the time left; 'watch RUN' draws its "
        "curves in the terminal; 'discard RUN' lists what --force has replaced; 'export RUN', "
        "'import ARCHIVE', 'verify RUN' and 'merge RUN RUN' hand runs on. Each has a --help.",
    )
    p.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="name of a recipe, a TOML file, the folder of a run, or a command: 'list', 'status', 'watch', "
        "'discard', 'export', 'import', 'verify' or 'merge'; a name of a recipe wins over a folder unless "
        "there is a slash, as in ./modadd_fast",
    )
    p.add_argument(
        "section",
        nargs="?",
        metavar="SECTION",
        help="after 'list': what to list (default: recipes); after 'watch': the run whose curves to draw",
    )
    p.add_argument(
        "--all-of",
        metavar="COLLECTION",
        help="in place of RECIPE: every recipe of a paper (column 'paper' of 'list'), from one queue",
    )
    p.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="change a field, as in pruning.sparsity=0.7 or name=my_run; may be repeated",
    )
    p.add_argument(
        "--quick",
        action="store_true",
        help="quick version, in minutes: one seed, fewer steps, and a note that says so",
    )
    p.add_argument(
        "--seeds",
        type=_seeds,
        nargs="+",
        metavar="SEED",
        help="seeds in place of the recipe's: numbers, and ranges without their end, as in 0 3 10:20 30:40:2",
    )
    p.add_argument("--device", type=_device, default="auto", help="auto, cpu, cuda, cuda:N or mps")
    p.add_argument(
        "--jobs", type=_positive, metavar="N", help="worker processes (default: one per core of this machine)"
    )
    p.add_argument("--executor", metavar="WHERE", default=LOCAL, help=EXECUTOR_HELP)
    p.add_argument("--shard", type=_shard, metavar="I/N", help="train the I-th of N shares of the seeds")
    p.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the run directories (default: runs; quick: runs/quick; of a run's folder: itself)",
    )
    again = p.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="keep what is done and resume the rest (the default)"
    )
    again.add_argument(
        "--force",
        action="store_true",
        help="train every arm anew, of the seeds of --seeds or of all; old files move to arms/.replaced, and "
        "--dry-run lists them",
    )
    again.add_argument(
        "--force-arms",
        nargs="+",
        metavar="ARM",
        help="the same for some arms, after RECIPE: modadd_fast --force-arms random shuffled --seeds 1",
    )
    p.add_argument(
        "--accept-other",
        action="store_true",
        help="take over and resume also arms that other code or another platform has trained",
    )
    p.add_argument(
        "--yes",
        action="store_true",
        help="train also more than 200 networks of a grid, or what needs more memory or disk than is free",
    )
    p.add_argument("--track", metavar="TRACKER", help="also send curves, config and figures to wandb")
    p.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be trained, the time, memory and disk it takes, and train nothing",
    )
    p.add_argument("--verbose", action="store_true", help="print all columns of the tables")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _seeds(text: str) -> list[int]:
    from training.schema.seed_ranges import seed_range
    from training.schema.validation import ConfigError

    try:
        return seed_range(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("seeds: ")) from None


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"expected auto, cpu, cuda, cuda:N or mps, got {text!r}")
    return text


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"expected I/N with 1 <= I <= N, got {text!r}")
    return int(match[1]), int(match[2])
