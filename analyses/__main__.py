"""`python -m analyses`: list the analyses; `python -m analyses NAME --run DIR`: run one."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap

from analyses.running.command import command_of
from analyses.running.registry import ANALYSES
from training.cli.parser import Parser, run_command
from training.cli.printed_table import WIDTH


def main(argv: list[str] | None = None) -> int:
    """Parse; list, or run the analysis that is named first."""
    argv = list(sys.argv[1:] if argv is None else argv)
    plugins, rest = _plugins_first(argv)
    if rest and not rest[0].startswith("-"):
        return run_command(lambda: command_of(rest[0]).main(rest[1:]), plugins)
    p = Parser(
        prog="python -m analyses",
        description="List the analyses of a run. 'python -m analyses NAME --run DIR' runs one.",
    )
    p.add_argument("--json", action="store_true", help="print the list as JSON")
    args = p.parse_args(argv)
    return run_command(lambda: _list(args.json), args.plugins)


def _plugins_first(argv: list[str]) -> tuple[list[str], list[str]]:
    """Return the plug-ins that arguments name, and the other arguments."""
    p = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    p.add_argument("--plugin", dest="plugins", action="append", default=[])
    if argv[-1:] == ["--plugin"]:  # its error is that of the whole command line
        return [], argv
    args, rest = p.parse_known_args(argv)
    return args.plugins, rest


def _list(as_json: bool) -> int:
    analyses = list(ANALYSES.values())
    if as_json:
        fields = ("name", "answers", "takes", "cost")
        print(json.dumps([{field: getattr(a, field) for field in fields} for a in analyses], indent=2))
        return 0
    print("Analyses of a run: their questions, the networks that each takes, and their cost.\n")
    for analysis in analyses:
        print(_paragraph(f"{analysis.name:<12}{analysis.answers}"))
        print(_paragraph(f"{'':<12}Takes {analysis.takes}. Cost: {analysis.cost}."))
    print(
        "\nRun one by 'python -m analyses NAME --run DIR'; '--explain' describes its tables.\n"
        "Costs: the 12 networks of modadd_fast, or of the recipe named, on one core.\n"
        "'python -m analyses.report' judges the papers' claims by the saved tables of a folder of runs."
    )
    return 0


def _paragraph(text: str) -> str:
    """Return text in lines of at most 100 characters, indented below its first word."""
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * 12)


if __name__ == "__main__":
    sys.exit(main())
