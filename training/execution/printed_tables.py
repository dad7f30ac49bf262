"""Printed tables of plans, outcomes and collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.cli.printed_table import PrintedTable
from training.config.checks.event_checks import event_notes
from training.config.recipe import Recipe
from training.execution.plan import ACTIONS, SKIP
from training.execution.plan_needs import sum_line
from training.inspection.outcomes import mixture_text
from training.inspection.resource_estimate import bytes_text

NO_TEST_SET = "no test set"


def plan_table(recipe: Recipe, rows: Sequence[Mapping[str, Any]]) -> PrintedTable:
    """Return what a start would do with every network."""
    printed = [
        {
            "arm": row["arm"],
            "seed": row["seed"],
            "todo": row["todo"],
            "method": row["method"],
            "source": row["source"],
            "sparsity": row["sparsity"],
            "most steps": row["max_steps"],
            "least steps": row["min_steps"],
            "role": recipe.role(row["arm"]),
        }
        for row in rows
    ]
    todo = Counter(row["todo"] for row in rows)
    conclusion = f"{len(rows)} networks: {', '.join(f'{n} to {action}' for action, n in todo.items())}."
    conclusion += "".join(f"\n{line}" for line in (learned(recipe), *branches(recipe), *event_notes(recipe)))
    title = f"What a start of {recipe.name} would do with every network; a dry run trains nothing."
    return PrintedTable(title, printed, conclusion)


def plan_reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per reason for which networks may be skipped."""
    networks: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"] is not None:
            is_certain = row["todo"] in (SKIP, ACTIONS["skipped"])
            network = f"{row['arm']} seed {row['seed']}" if is_certain else row["arm"]
            networks.setdefault(row["reason"], []).append(network)
    return [f"{', '.join(dict.fromkeys(arms))}: {reason}" for reason, arms in networks.items()]


def plan_moves(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per arm whose networks a forced start moves aside."""
    moved: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["bytes_replaced"]:
            moved.setdefault(row["arm"], []).append(row)
    return [
        f"moves to {folder}/arms/.replaced: {arm} seed {', '.join(str(row['seed']) for row in of_arm)} "
        f"({bytes_text(sum(row['bytes_replaced'] for row in of_arm))})"
        for arm, of_arm in moved.items()
    ]


def learned(recipe: Recipe) -> str:
    """Return what the arms of a recipe learn, a line per task."""
    arms_by_task: dict[str, list[str]] = {}
    for arm in recipe.arms:
        arms_by_task.setdefault(recipe.setting(arm).describe(), []).append(arm)
    if len(arms_by_task) == 1:
        return f"Task: {next(iter(arms_by_task))}."
    return "\n".join(f"Task of {', '.join(arms)}: {task}." for task, arms in arms_by_task.items())


def branches(recipe: Recipe) -> list[str]:
    """Return a line about arms that start at a step of another, by what their optimizer starts from."""
    begun = {name: arm.moments for name, arm in recipe.arms.items() if arm.from_step is not None}
    texts = {
        "zero": "Optimizer restarted at from_step (moments = 'zero'), unlike in an uninterrupted training",
        "keep": "Optimizer continued at from_step (moments = 'keep')",
    }
    return [
        f"{text}: {', '.join(name for name, value in begun.items() if value == moments)}."
        for moments, text in texts.items()
        if moments in begun.values()
    ]


def outcome_table(recipe: Recipe, rows: Sequence[Mapping[str, Any]]) -> PrintedTable:
    """Return when every network memorised and generalised."""
    finished = [row for row in rows if row["status"] == "done"]
    has_test = any(row["test_loss"] is not None for row in finished) or not finished
    n_generalised = sum(row["t_gen"] is not None for row in finished)
    legend = "(a, b]: after the evaluation at step a, at b at the latest; > n: not within n steps."
    generalised = f"{n_generalised} of {len(rows)} networks generalised."
    if not has_test:
        generalised = "There is no test set to generalise to."
    return PrintedTable(
        f"Outcome of {recipe.name}: step at which each network memorised and generalised.",
        [_printed_outcome(recipe, row) for row in rows],
        "\n".join(
            filter(None, [generalised, mixture_text(rows), legend, learned(recipe), *branches(recipe)])
        ),
    )


def _printed_outcome(recipe: Recipe, row: Mapping[str, Any]) -> dict[str, Any]:
    criterion = recipe.setting(row["arm"]).criterion
    has_no_test = row["status"] == "done" and row["test_loss"] is None
    return {
        "arm": row["arm"],
        "seed": row["seed"],
        "status": row["status"],
        "steps": row["steps"],
        "memorised (step)": row["t_mem_interval"],
        "generalised (step)": NO_TEST_SET if has_no_test else row["t_gen_interval"],
        f"test {criterion.quantity}": row[criterion.test],
        "sparsity": row["sparsity"],
        "t_gen / t_mem": row["tau"],
        "role": recipe.role(row["arm"]),
        "code": row["code"],
        "platform": row["platform"],
    }


def collection_table(name: str, rows: Sequence[Mapping[str, Any]]) -> PrintedTable:
    """Return the networks of every recipe of a collection, counted by status."""
    n_failed = sum("failed" in row for row in rows)
    conclusion = f"{n_failed} of {len(rows)} recipes failed." if n_failed else "No recipe failed."
    conclusion = "\n".join(filter(None, [sum_line(rows), conclusion]))
    return PrintedTable(f"Recipes of {name}: number of networks by status.", rows, conclusion)
