"""`python -m analyses`: list the analyses, with what each answers, takes and costs."""

from __future__ import annotations

import json
import sys

from analyses.running.registry import ANALYSES
from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable, render


def main(argv: list[str] | None = None) -> int:
    """Parse, list."""
    p = Parser(prog="python -m analyses", description="List the analyses of a run.")
    p.add_argument("--json", action="store_true", help="print the list as JSON")
    args = p.parse_args(argv)
    return run_command(lambda: _list(args.json))


def _list(as_json: bool) -> int:
    analyses = list(ANALYSES.values())
    if as_json:
        fields = ("name", "answers", "takes", "cost")
        print(json.dumps([{field: getattr(a, field) for field in fields} for a in analyses], indent=2))
        return 0
    rows = [{"analysis": a.name, "answers": a.answers, "takes": a.takes, "cost": a.cost} for a in analyses]
    conclusion = (
        "Run one by 'python -m analyses.NAME --run DIR'; '--explain' describes its tables. "
        "Costs: the 12 networks of modadd_fast.\n"
        "'python -m analyses.report' judges the papers' claims by the saved tables of a folder of runs."
    )
    print(render([PrintedTable("Analyses of a run, and the networks that each can read.", rows, conclusion)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
