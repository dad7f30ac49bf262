"""Command `python -m training export`: an archive of a run, or weights of a network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from training.cli.parser import Parser, run_command


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training export",
        description="Write a run as one archive with a manifest, or the weights of one network with a card, "
        "readable without this package. The run is verified first.",
    )
    p.add_argument("run", metavar="RUN", help="folder of a run, as runs/modadd_fast")
    p.add_argument(
        "--to",
        metavar="PATH",
        required=True,
        help="new file, .tar or .tar.gz; with --weights a new folder",
    )
    p.add_argument(
        "--checkpoints",
        choices=("all", "last", "none"),
        help="checkpoints of each network that go along (default: all)",
    )
    p.add_argument("--weights", metavar="ARM", help="write the weights of this arm's network instead")
    p.add_argument("--seed", type=int, metavar="S", help="with --weights: its seed")
    p.add_argument("--step", type=int, metavar="N", help="with --weights: its checkpoint (default: the last)")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, export, print what was written."""
    p = parser()
    args = p.parse_args(list(argv))
    if args.weights is None and (args.seed, args.step) != (None, None):
        p.error("--seed and --step need --weights ARM")
    if args.weights is not None and (args.seed is None or args.checkpoints is not None):
        p.error("--weights needs --seed, and takes no --checkpoints")
    return run_command(lambda: _export(args) if args.weights is None else _export_weights(args), args.plugins)


def _export(args: argparse.Namespace) -> int:
    from training.inspection.resource_estimate import bytes_text
    from training.runs.handover.exporting import export_archive

    manifest = export_archive(args.run, args.to, args.checkpoints or "all")
    if args.json:
        print(json.dumps({"archive": args.to, **manifest.content()}, indent=2))
        return 0
    for path, reason in manifest.omitted.items():
        print(f"{path}: {reason}")
    print(f"{args.to}: {len(manifest.files)} files of {args.run}, {bytes_text(manifest.size)}, verified")
    return 0


def _export_weights(args: argparse.Namespace) -> int:
    from training.runs.handover.weights_folder import write_weights_folder

    written = write_weights_folder(args.run, args.weights, args.seed, args.step, to=args.to)
    names = [path.name for path in written]
    print(json.dumps({"folder": args.to, "files": names}) if args.json else f"{args.to}: {', '.join(names)}")
    return 0
