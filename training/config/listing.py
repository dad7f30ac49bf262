"""Tables of everything that a recipe can name."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from training.cli.printed_table import PrintedTable
from training.config.arm import Arm, Plateau
from training.config.recipe import Recipe, Refine
from training.config.recipe_costs import CORES, read_training_costs, training_minutes
from training.config.recipe_files import read_recipe, recipe_names
from training.config.settings import Measure, Pruning
from training.config.shorthand.rounds import Rounds
from training.models.base import Model
from training.models.registry import MODELS
from training.models.weight_names import prunable
from training.optimization.events import EVENTS
from training.optimization.optimizers import OPTIMIZERS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema.descriptions import field_descriptions, first_line, first_line_of_source
from training.schema.validation import build, names, require
from training.tasks.dataset import Task
from training.tasks.registry import TASKS

SOURCES = {"weights": "trained weights of its source", "mask": "mask of its source", None: "nothing"}


def listing(section: str) -> PrintedTable:
    """Return the table of a section: `recipes`, `tasks`, `models`, ….

    Raises
    ------
    ConfigError
        If there is no such section; the message lists those there are.
    """
    require(section in SECTIONS, "list", f"one of {names(SECTIONS)}", section)
    return SECTIONS[section]()


def recipe_rows() -> list[dict[str, Any]]:
    """Return a row per recipe, with its size and its measured cost."""
    costs = read_training_costs()
    rows = []
    for name in recipe_names():
        recipe, _ = read_recipe(name)
        quick, _ = read_recipe(name, quick=True)
        first = next(iter(recipe.arms))
        rows.append(
            {
                "recipe": name,
                "collection": recipe.collection,
                "seeds": len(recipe.seeds),
                "arms": ", ".join(recipe.arms),
                "about": recipe.about,
                "weights": n_weights(recipe.setting(first).shapes()),
                "minutes": _minutes(recipe, costs.get("full", {}).get(name)),
                "quick_minutes": _minutes(quick, costs.get("quick", {}).get(name)),
            }
        )
    return rows


def n_weights(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return the number of prunable weights."""
    return sum(math.prod(shape) for shape in prunable(shapes).values())


def _minutes(recipe: Recipe, core_seconds: float | None) -> float | None:
    return None if core_seconds is None else round(training_minutes(recipe, core_seconds), 1)


def _recipes() -> PrintedTable:
    rows = [
        {
            "recipe": row["recipe"],
            "paper": row["collection"] or None,
            "networks": len(row["arms"].split(", ")) * row["seeds"],
            "weights": row["weights"],
            "minutes": row["minutes"],
            "quick (min)": row["quick_minutes"],
            "about": row["about"],
        }
        for row in recipe_rows()
    ]
    return PrintedTable(
        "Recipes: experiments that 'python -m training RECIPE' trains, and 'RECIPE --quick' in minutes.",
        rows,
        f"networks: arms × seeds; weights: of one network; minutes: measured on {CORES} cores. "
        f"More: 'python -m training list' with {', '.join(name for name in SECTIONS if name != 'recipes')}.",
    )


def _tasks() -> PrintedTable:
    rows = []
    for name, cls in TASKS.items():
        task: Task = build(cls, {"name": name})
        rows.append(
            {
                "task.name": name,
                "input": f"{task.n_inputs} {task.gives}",
                "outputs": task.n_outputs,
                "learned by": "squared error" if task.loss_threshold is not None else "classes",
                "about": first_line(cls),
            }
        )
    title = "Tasks: what a network learns, by 'task.name' of a recipe; sizes by default."
    return PrintedTable(title, rows, "'python -m training list fields' shows the fields of each.")


def _models() -> PrintedTable:
    by_input = {task.gives: task for task in (build(TASKS["digits"], {}), build(TASKS["add"], {}))}
    rows = []
    for name, cls in MODELS.items():
        model: Model = build(cls, {"name": name})
        task = by_input[model.reads]
        rows.append(
            {
                "model.name": name,
                "reads": model.reads,
                "weights": n_weights(model.shapes(task.n_inputs, task.n_outputs)),
                "about": first_line(cls),
            }
        )
    title = "Models: networks, by 'model.name' of a recipe."
    sizes = "weights: in default sizes, for residues mod 67 (tokens) or the digits (features)."
    return PrintedTable(title, rows, sizes)


def _methods() -> PrintedTable:
    rows = [
        {"method": name, "reads": SOURCES[method.source], "about": first_line(method.prune)}
        for name, method in METHODS.items()
    ]
    title = "Pruning methods: how an arm's mask is made, by 'method' of the arm."
    return PrintedTable(title, rows, 'An arm without a method is dense: method = "none".')


def _starts() -> PrintedTable:
    rows = [
        {
            "start": name,
            "reads": SOURCES["mask" if start.needs_mask else None],
            "about": first_line(start.start),
        }
        for name, start in STARTS.items()
    ]
    title = "Starts: initial weights of an arm, by 'start' of the arm."
    return PrintedTable(title, rows, "Without one an arm starts from θ₀, its seed's initial weights.")


def _parametrizations() -> PrintedTable:
    rows = [
        {
            "form": name,
            "trains": "scores" if spec.trains_scores else "weights",
            "sparsity": "of the arm"
            if spec.takes_sparsity
            else "learned"
            if spec.trains_scores
            else "of a method",
            "about": first_line_of_source(spec.implementation),
        }
        for name, spec in PARAMETRIZATIONS.items()
    ]
    title = "Parametrizations: what is trained in place of the weights, by 'form' of the arm."
    return PrintedTable(title, rows, "Without one the weights themselves are trained.")


def _optimizers() -> PrintedTable:
    rows = [{"optimizer.name": name, "about": first_line(cls)} for name, cls in OPTIMIZERS.items()]
    return PrintedTable("Optimizers: full-batch updates, by 'optimizer.name' of a recipe or an arm.", rows)


def _events() -> PrintedTable:
    rows = [
        {"name": name, "until": "none" if cls.is_momentary else "optional", "about": first_line(cls)}
        for name, cls in EVENTS.items()
    ]
    title = "Events: changes in the middle of a training, by 'name' of an entry of 'arms.NAME.events'."
    return PrintedTable(title, rows, "'at' and 'until' are steps, t_mem or t_gen.")


def _fields() -> PrintedTable:
    tables: list[tuple[str, type]] = [("", Recipe)]
    tables += [("task", cls) for cls in dict.fromkeys(TASKS.values())]
    tables += [("model", cls) for cls in dict.fromkeys(MODELS.values())]
    tables += [("optimizer", cls) for cls in OPTIMIZERS.values()]
    tables += [("measure", Measure), ("pruning", Pruning), ("refine", Refine)]
    tables += [("arms.NAME.events", cls) for cls in EVENTS.values()]
    tables += [("arms.NAME", Arm), ("arms.NAME", Rounds), ("arms.NAME.plateau", Plateau)]
    rows = [row for prefix, cls in tables for row in _field_rows(prefix, cls)]
    title = "Fields of a recipe, as its TOML file and --set name them."
    return PrintedTable(title, rows, "arms.NAME.task, .model and .optimizer take the fields of the recipe's.")


def _field_rows(prefix: str, cls: type) -> Iterator[dict[str, Any]]:
    descriptions = field_descriptions(cls)
    for field in dataclasses.fields(cls):
        yield {
            "field": f"{prefix}.{field.name}" if prefix else field.name,
            "of": cls.__name__,
            "default": _default(field),
            "about": (descriptions.get(field.name) or _name_of(cls, field.name) or "").partition("\n")[0]
            or None,
        }


def _name_of(cls: type, field: str) -> str | None:
    """Return the description of the field that chooses a class."""
    return f"Chooses: {first_line(cls)}." if field == "name" else None


def _default(field: dataclasses.Field[Any]) -> str | None:
    if field.default is dataclasses.MISSING:
        return "required" if field.default_factory is dataclasses.MISSING else "a table"
    return None if field.default is None else str(field.default)


SECTIONS: dict[str, Callable[[], PrintedTable]] = {
    "recipes": _recipes,
    "tasks": _tasks,
    "models": _models,
    "methods": _methods,
    "starts": _starts,
    "parametrizations": _parametrizations,
    "optimizers": _optimizers,
    "events": _events,
    "fields": _fields,
}
