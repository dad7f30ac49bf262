"""Builders that tests of several folders use: analyses made quickly, once."""

import contextlib
import importlib
import io
from dataclasses import dataclass

QUICK_ARGUMENTS = {"graph_props": ["--nulls", "2", "--jobs", "1"], "progress": ["--jobs", "1"]}


@dataclass
class Printed:
    """What an analysis wrote to the terminal, and its exit code."""

    code: int
    out: str
    err: str


def run_analysis(name, run, *arguments):
    """Run an analysis in this process, quickly and without drawing."""
    main = importlib.import_module(f"analyses.{name}.command").main
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--run", str(run), "--no-plot", *QUICK_ARGUMENTS.get(name, []), *arguments])
    return Printed(code, out.getvalue(), err.getvalue())


class AnalysedRun:
    """Copy of a run in which an analysis is made when a test first asks for it."""

    def __init__(self, path):
        self.path = path
        self.printed = {}

    def analyse(self, name):
        """Make an analysis, once, and return what it printed."""
        if name not in self.printed:
            self.printed[name] = run_analysis(name, self.path)
        return self.printed[name]

    def table(self, schema):
        """Return a saved table."""
        from analyses.tables.storage import load_table

        assert self.analyse(schema.analysis).code == 0, self.printed[schema.analysis].err
        return load_table(self.path / "analyses" / f"{schema.name}.parquet", schema)
