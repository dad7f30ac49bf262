"""What is there already of a figure: its runs' networks, their tables, the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from figures.catalogue.figure_spec import Entry
from figures.drawing.render import tables_of
from training.config.recipe_files import read_recipe
from training.execution.arm_plan import jobs, record_of, standing
from training.execution.sparsity_search import refined
from training.runs.run_directory import RunDir


@dataclass(frozen=True)
class Folder:
    """A folder of runs whose figures go to `figures` in it; quick versions have one of their own inside."""

    root: Path
    quick: bool

    @property
    def runs(self) -> Path:
        """The run directories' folder."""
        return self.root / "quick" if self.quick else self.root

    @property
    def figures(self) -> Path:
        """Where the catalogue's figures go."""
        return self.runs / "figures"

    def run(self, recipe: str) -> RunDir:
        """The run of a recipe, whether it exists or not."""
        return RunDir(self.runs / recipe)

    def tables(self, entry: Entry) -> dict[str, Path]:
        """Where the tables are that an entry's script draws, by its names for them."""
        found = {}
        for table in tables_of(entry.script):
            recipe, _, name = entry.source(table)
            found[table] = self.run(recipe).analysis(name, ".parquet")
        return found

    def note(self, entry: Entry) -> str:
        """What the runs of an entry say of themselves; by their names, where they differ."""
        runs: dict[str, list[str]] = {}
        for recipe in dict.fromkeys(recipe for recipe, _ in entry.needs):
            runs.setdefault((self.run(recipe).config() or {}).get("note", ""), []).append(recipe)
        if len(runs) == 1:
            return next(iter(runs))
        return "; ".join(f"{', '.join(recipes)}: {note}" for note, recipes in runs.items() if note)


def networks_left(folder: Folder, recipe: str, search: bool = True) -> tuple[int, int]:
    """How many networks of a recipe are still to be trained, and how many it has.

    `search` counts those that the recipe's search for a sparsity asks for next too, which takes reading the
    curves of all that it has trained.

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
        standing(run.arm(job.arm, job.seed), record_of(wanted, job)) for job in jobs(wanted, wanted.seeds)
    ]
    return sum(state in ("new", "half trained") for state in states), len(states)


def is_analysed(run: RunDir, analysis: str, tables: Iterable[str]) -> bool:
    """Whether an analysis has its tables, made after the run's last training."""
    trained = [*run.path.glob("arms/*/*/DONE"), run.path / "provenance.json"]
    summary = run.analysis(analysis, ".json")  # written last
    return _is_newer([summary], trained) and all(run.analysis(name, ".parquet").exists() for name in tables)


def is_drawn(folder: Folder, entry: Entry) -> bool:
    """Whether an entry's figure is there, drawn after its tables and its runs' notes were written."""
    configs = [folder.run(recipe).path / "config.json" for recipe, _ in entry.needs]
    files = [folder.figures / (entry.name + suffix) for suffix in entry.suffixes]
    return _is_newer(files, [*folder.tables(entry).values(), *configs])


def _is_newer(files: Iterable[Path], than: Iterable[Path]) -> bool:
    """Whether all files exist, none older than any of the others that exist."""
    try:
        oldest = min(file.stat().st_mtime_ns for file in files)
    except FileNotFoundError:
        return False
    return all(oldest >= other.stat().st_mtime_ns for other in than if other.exists())


def tables_wanted(entries: Iterable[Entry]) -> Mapping[tuple[str, str], set[str]]:
    """By recipe and analysis, in order of need: the names of all the tables that any of the entries draws."""
    wanted: dict[tuple[str, str], set[str]] = {need: set() for entry in entries for need in entry.needs}
    for entry in entries:
        for table in tables_of(entry.script):
            recipe, analysis, name = entry.source(table)
            wanted[recipe, analysis].add(name)
    return wanted
