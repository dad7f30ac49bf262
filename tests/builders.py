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


def filled_table(table, rows, roles=None):
    """Return rows as a data frame that fits a schema, with fillers in the columns that they lack.

    Parameters
    ----------
    roles : mapping, optional
        Role of every arm; by default "dense" and "ticket" for arms of these names.
    """
    import pandas as pd

    from analyses.tables.storage import fit_to_schema, with_roles

    fillers = {int: 0, float: 0.0, bool: False, str: ""}
    frame = pd.DataFrame(rows)
    lacking = {
        column.name: fillers[column.dtype]
        for column in table.columns
        if column.name not in frame and not column.role_of and not column.optional
    }
    frame = frame.assign(**lacking)
    return fit_to_schema(table, with_roles(table, frame, roles or {"dense": "dense", "ticket": "ticket"}))


def outcome_row(arm, seed, t_mem, t_gen, *, steps=30_000, status="done", test_acc=1.0, sparsity=0.6):
    """Return a row of `analyses.grokking`; None for a time that never came."""
    row = {"arm": arm, "seed": seed, "status": status, "sparsity": sparsity, "steps": steps}
    row |= {"t_mem": t_mem, "t_gen": t_gen, "train_acc": 1.0, "test_acc": test_acc}
    row |= {f"{name}_after": at - 10 if at else steps for name, at in (("t_mem", t_mem), ("t_gen", t_gen))}
    tau = t_gen / t_mem if t_mem and t_gen else None
    row |= {"tau": tau, "tau_lower": steps / t_mem if t_mem else 0.0, "tau_upper": tau or float("inf")}
    return row | {"train_loss": 0.5, "test_loss": 0.5}


def speed_tables(rows, arms):
    """Return the outcomes, and what `analyses.speed` makes of them: over seeds, by seed, of every arm.

    Parameters
    ----------
    rows : list of mapping
        As from `outcome_row`.
    arms : mapping
        Settings of every arm, as in a recipe.
    """
    from analyses.grokking.schema import OUTCOMES
    from analyses.speed.comparisons import arm_row, compare, comparisons
    from analyses.speed.schema import ARMS, PAIRS, RATIOS
    from training.config.build_recipe import recipe_from_dict

    content = {"name": "planted", "seeds": [0, 1, 2], "task": {"name": "add", "p": 7}, "arms": arms}
    recipe = recipe_from_dict(content | {"model": {"d_emb": 4, "d_mlp": 3}})
    roles = {arm: recipe.role(arm) for arm in recipe.arms}
    pairs = list(comparisons(recipe, list(arms), None))
    compared = [compare(rows, pair, quantity) for pair in pairs for quantity in ("t_gen", "t_mem", "tau")]
    return {
        OUTCOMES: filled_table(OUTCOMES, rows, roles),
        RATIOS: filled_table(RATIOS, [row for row, _ in compared], roles),
        PAIRS: filled_table(PAIRS, [row for _, pair_rows in compared for row in pair_rows], roles),
        ARMS: filled_table(ARMS, [arm_row(recipe, rows, arm) for arm in arms], roles),
    }


def deciding_counts(findings):
    """Return the cases that hold, and all cases, of each finding that decides."""
    return [(finding.n_held, finding.n_cases) for finding in findings if finding.decides]
