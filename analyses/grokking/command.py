"""Command `analyses.grokking`: when each network memorised and generalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.grokking.schema import ANALYSIS, CURVES, OUTCOMES
from analyses.running.command import Command
from analyses.running.command_line import Result
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analyses.loading.outcomes import Curves
    from training.config.recipe import Recipe
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("grokking", "outcomes")


def measure(
    run: RunDir,
    networks: list[Network],
    arms: Sequence[str] | None,
    seeds: Sequence[int] | None = None,
) -> Result:
    """Return the outcome and the curves of every network.

    Parameters
    ----------
    arms, seeds : sequence, optional
        Only these arms and seeds; all by default.
    """
    import pandas as pd

    from analyses.loading.outcomes import read_outcomes

    rows, curves = read_outcomes(run, networks, arms, seeds)
    tables = {OUTCOMES: pd.DataFrame(rows), CURVES: _curve_rows(networks[0].recipe, curves)}
    return Result(tables, {"networks": rows}, printed_outcomes(rows))


def _curve_rows(recipe: Recipe, curves: Curves) -> pd.DataFrame:
    """Return every network's evaluations and decisive quantity."""
    from analyses.tables.long_format import gather

    parts = []
    for (arm, seed), metrics in curves.items():
        criterion = recipe.setting(arm).criterion
        parts.append(
            metrics[[name for name in metrics if name in CURVES]].assign(
                train=metrics[criterion.train],
                test=metrics[criterion.test],
                judged_by=criterion.quantity,
                threshold=criterion.level,
                arm=arm,
                seed=seed,
            )
        )
    return gather(parts)


def printed_outcomes(rows: Sequence[dict[str, Any]]) -> list[PrintedTable]:
    """Return the outcomes of all networks as printed tables."""
    from analyses.tables.labels import arm_label

    printed = [
        PrintedTable(
            "Steps at which each network memorised (t_mem) and generalised (t_gen), and its last accuracies.",
            [_printed_row(row) for row in rows],
            f"{_generalised(rows)}\n"
            "(90, 100]: the threshold was first met after step 90 and by step 100; > 30000: not within "
            "30,000 steps. tau = t_gen / t_mem: delay of generalising after memorising; unknown "
            "if the network did neither.",
        )
    ]
    if any(row.get("note") for row in rows):
        notes = [
            {"arm": arm_label(row["arm"]), "seed": row["seed"], "note": row["note"]}
            for row in rows
            if row.get("note")
        ]
        conclusion = (
            "A ticket's source has to generalise: train it longer (--set arms.SOURCE.max_steps=STEPS)."
        )
        printed.append(PrintedTable("Notes on networks and their sources.", notes, conclusion))
    return printed


def _generalised(rows: Sequence[dict[str, Any]]) -> str:
    """Return how many networks of every arm generalised."""
    from analyses.loading.outcomes import has_test_set
    from analyses.tables.labels import arm_label

    counts: dict[str, list[bool]] = {}
    for row in rows:
        if row["status"] == "done" and has_test_set(row):
            counts.setdefault(arm_label(row["arm"]), []).append(row["t_gen"] is not None)
    if not counts:
        return "No trained network has a test set, so none can be seen to generalise."
    words = [f"{arm} {sum(generalised)} of {len(generalised)}" for arm, generalised in counts.items()]
    return f"Trained networks that generalised: {'; '.join(words)}."


def _printed_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the printed cells of one arm and seed."""
    from analyses.loading.outcomes import has_test_set
    from analyses.tables.labels import arm_label

    done = row["status"] == "done"
    tested = not done or has_test_set(row)
    t_gen = row["t_gen_interval"] if done else row["status"]
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "t_mem (steps)": row.get("t_mem_interval") or "-",
        "t_gen (steps)": t_gen if tested else "no test set",
        "tau": _tau_text(row),
        "train accuracy": _last_value(row, "train"),
        "test accuracy": _last_value(row, "test") if tested else "no test set",
    }


def _tau_text(row: dict[str, Any]) -> str:
    """Return tau, or the bound that is left of it, as text."""
    from analyses.loading.outcomes import times_by_seed
    from analyses.tables.number_text import number

    for tau in times_by_seed([row], row["arm"], "tau").values():  # one or none
        words = number(tau.value) if tau.bound == "=" else f"{tau.bound} {number(tau.value)}"
        return "unknown" if (tau.value, tau.bound) == (0, ">") else words
    return "-"


def _last_value(row: dict[str, Any], part: str) -> str:
    """Return the last accuracy, or loss, as text."""
    from analyses.tables.number_text import number

    accuracy, loss = number(row.get(f"{part}_acc")), number(row.get(f"{part}_loss"))
    return accuracy if accuracy != "-" or loss == "-" else f"loss {loss}"


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.arms, args.seeds),
    figures=FIGURES,
    steps=False,
)
main = COMMAND.main
