"""Commands, times and machines behind the runs of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analyses.claims.claim import Claim
from analyses.report.rendering import TextTable
from training.runs.run_directory import RunDir

HEADER = ("run", "networks", "taken from other runs", "wall time", "workers", "device", "torch", "commit")
RECORDED = (("workers",), ("device",), ("versions", "torch"), ("commit",))
"""Entries of a start's record that are shown, each by its keys."""


def reproduction_commands(claim: Claim, runs: Path) -> list[str]:
    """Return the commands that make a claim's tables, with training times."""
    training = [
        training_command(evidence.recipe, runs) + _time_comment(RunDir(runs / evidence.recipe))
        for evidence in claim.evidence
    ]
    analyses = [
        analysis_command(name, runs / evidence.recipe)
        for evidence in claim.evidence
        for name in evidence.analyses
    ]
    return list(dict.fromkeys([*training, *analyses]))


def training_command(recipe: str, runs: Path) -> str:
    """Return the command that trains a recipe into a folder of runs."""
    return f"python -m training {recipe}" + ("" if str(runs) == "runs" else f" --out {runs}")


def analysis_command(analysis: str, run: Path) -> str:
    """Return the command that makes an analysis' tables of a run."""
    return f"python -m analyses.{analysis} --run {run}"


def runs_table(runs: Sequence[RunDir]) -> TextTable:
    """Return a row per run: networks, wall time and machine.

    Raises
    ------
    RunError
        If the record of a run is damaged.
    """
    return TextTable(HEADER, list(map(_run_cells, runs)))


def duration_text(seconds: float) -> str:
    """Return a wall time in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _time_comment(run: RunDir) -> str:
    if run.seconds():
        return f"  # {duration_text(run.seconds())}"
    takes_over = any(start.get("taken") for start in run.provenance() or [])
    return "  # takes networks over that other runs have trained" if takes_over else ""


def _run_cells(run: RunDir) -> tuple[str, ...]:
    starts = run.provenance() or []
    finished = {str(files) for files in run.arms() if files.done() is not None}
    taken = {network for start in starts for network in start.get("taken", {})}
    n_cut_short = sum("seconds" not in start and start.get("arms") != [] for start in starts)
    time = duration_text(run.seconds())
    if n_cut_short:
        time += f", and starts that did not end: {n_cut_short}"
    recorded = [", ".join(dict.fromkeys(str(_entry(start, *keys)) for start in starts)) for keys in RECORDED]
    return (run.path.name, str(len(finished)), str(len(taken & finished)), time, *recorded)


def _entry(start: dict[str, Any], *keys: str) -> Any:
    """Return an entry of a start's record; "-" for one that is not there."""
    entry: Any = start
    for key in keys:
        entry = entry.get(key) or {}
    return entry or "-"
