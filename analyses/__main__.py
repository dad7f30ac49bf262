"""`python -m analyses [NAME --run DIR]`: list the analyses, or run one.

A plug-in's analysis is run by its name too: `python -m analyses peaks --run DIR --plugin ./mine.py`.
"""

from __future__ import annotations

import json
import sys
import textwrap

from analyses.running.measured_tables import FIELDS, command_of
from analyses.running.registry import ANALYSES
from training.cli.parser import Parser, run_command
from training.cli.printed_table import WIDTH


def main(argv: list[str] | None = None) -> int:
    """Parse; list the analyses, or run the one that the first argument names."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and not argv[0].startswith("-"):
        name, *others = argv
        plugins = Parser(add_help=False).parse_known_args(others)[0].plugins
        return run_command(lambda: command_of(name).main(others), plugins, light=True)
    p = Parser(
        prog="python -m analyses",
        description="List the analyses of a run; 'python -m analyses NAME --run DIR' runs one.",
    )
    p.add_argument("--json", action="store_true", help="print the list as JSON")
    args = p.parse_args(argv)
    return run_command(lambda: _list(args.json), args.plugins, light=True)


def _list(as_json: bool) -> int:
    analyses = list(ANALYSES.values())
    if as_json:
        print(json.dumps([{field: getattr(a, field) for field in FIELDS} for a in analyses], indent=2))
        return 0
    print("Analyses of a run: their questions, the networks that each takes, and their cost.\n")
    for analysis in analyses:
        print(_paragraph(f"{analysis.name:<12}{analysis.answers}"))
        print(_paragraph(f"{'':<12}Takes {analysis.takes}. Cost: {analysis.cost}."))
    print(
        "\nRun one by 'python -m analyses NAME --run DIR'; '--explain' describes its tables.\n"
        "'python -m analyses.compare' takes several runs: --runs A B.\n"
        "Costs: the 12 networks of modadd_fast, or of the recipe named, on one core.\n"
        "'python -m analyses.report' judges the papers' claims by the saved tables of a folder of runs."
    )
    return 0


def _paragraph(text: str) -> str:
    """Return text in lines of at most 100 characters, indented below its first word."""
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * 12)


if __name__ == "__main__":
    sys.exit(main())
