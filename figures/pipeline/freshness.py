"""Parts of a figure that exist and are current: networks, tables, picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analyses.tables.schema import Table
from figures.drawing.figure_spec import FigureSpec, TableKey
from figures.drawing.origin import picture_origin, recorded_origin
from training.config.arm_config import arm_record
from training.config.recipe_files import read_recipe
from training.execution.arms.jobs import jobs
from training.execution.sparsity_search import refined
from training.inspection.arm_status import arm_status
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir


@dataclass(frozen=True)
class Folder:
    """Folder of runs and their figures; quick versions have one inside."""

    root: Path
    quick: bool

    @property
    def runs(self) -> Path:
        """Folder of the run directories."""
        return self.root / "quick" if self.quick else self.root

    @property
    def figures(self) -> Path:
        """Folder of the catalogue's figures."""
        return self.runs / "figures"

    def run(self, recipe: str) -> RunDir:
        """Return the run of a recipe, which need not exist."""
        return RunDir(self.runs / recipe)

    def tables(self, figure: FigureSpec) -> dict[TableKey, Path]:
        """Return the path of each of a figure's tables."""
        sources = figure.sources()
        return {
            key: self.run(recipe).analysis(table.name, ".parquet") for key, (recipe, table) in sources.items()
        }

    def note(self, figure: FigureSpec) -> str:
        """Return the notes of a figure's runs; each with its recipes if they differ."""
        recipes_by_note: dict[str, list[str]] = {}
        for recipe in dict.fromkeys(recipe for recipe, _ in figure.needs):
            note = (self.run(recipe).config() or {}).get("note", "")
            recipes_by_note.setdefault(note, []).append(recipe)
        if len(recipes_by_note) == 1:
            return next(iter(recipes_by_note))
        return "; ".join(f"{', '.join(recipes)}: {note}" for note, recipes in recipes_by_note.items() if note)


def count_networks_left(folder: Folder, recipe: str, search: bool = True) -> tuple[int, int]:
    """Count a recipe's networks that are still to be trained, and all its networks.

    Parameters
    ----------
    search : bool
        Count those that the recipe's search for a sparsity asks for next too, which takes reading the curves
        of all that it has trained.

    Raises
    ------
    RunError
        If the run is of another config, or damaged.
    """
    wanted, _ = read_recipe(recipe, quick=folder.quick)
    run = folder.run(recipe)
    if run.config() is None:
        n = len(wanted.arms) * len(wanted.seeds)
        return n, n
    if search:
        wanted = refined(wanted, run)
    states = [
        arm_status(run.arm(job.arm, job.seed), arm_record(wanted, job.arm, job.seed))
        for job in jobs(wanted, wanted.seeds)
    ]
    return sum(state in ("new", "half trained") for state in states), len(states)


def is_drawn(folder: Folder, figure: FigureSpec) -> bool:
    """Return True if a figure's files exist and are current."""
    if not all((folder.figures / (figure.name + suffix)).exists() for suffix in figure.suffixes):
        return False
    recorded = recorded_origin(folder.figures / f"{figure.name}.txt")
    try:
        return recorded == picture_origin(figure, folder.tables(figure), folder.note(figure))
    except RunError:
        return False


def needed_tables(figures: Iterable[FigureSpec]) -> Mapping[tuple[str, str], list[Table]]:
    """Return the tables that some figures draw, by recipe and analysis."""
    needed: dict[tuple[str, str], list[Table]] = {}
    for figure in figures:
        for recipe, table in figure.sources().values():
            tables = needed.setdefault((recipe, table.analysis), [])
            if table not in tables:
                tables.append(table)
    return needed
