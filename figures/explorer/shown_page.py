"""The page from Python: runs in, a page that a notebook shows."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.schema.validation import named_as_in_python

if TYPE_CHECKING:
    from training.inspection.run import Run
    from training.runs.run_directory import RunDir

    AnyRun = Run | RunDir | Path | str


class ExplorerPage:
    """The explorer's page, shown by a notebook in a frame.

    Parameters
    ----------
    content : str
        The page, HTML.
    height : int
        Height of the frame, in pixels.
    """

    def __init__(self, content: str, height: int):
        self.content, self.height = content, height

    def __repr__(self) -> str:
        return f"ExplorerPage({len(self.content.encode()) / 1e6:.1f} MB; .save(FILE) writes it)"

    def _repr_html_(self) -> str:
        """Return a frame with the page in it."""
        return (
            f'<iframe srcdoc="{html.escape(self.content)}" style="width: 100%; height: {self.height}px; '
            'border: 0" title="Explorer of a run"></iframe>'
        )

    def save(self, path: Path | str) -> Path:
        """Write the page to a file, and return its path."""
        from training.runs.atomic_files import write_bytes

        write_bytes(Path(path), self.content.encode())
        return Path(path)


@named_as_in_python()
def explore(
    *runs: AnyRun, arms: Sequence[str] | None = None, everything: bool = False, height: int = 900
) -> ExplorerPage:
    """Return the explorer's page of runs; as the last line of a notebook's cell it is shown.

    Tables that are missing or stale are measured first, and saved in the runs.

    Parameters
    ----------
    runs : Run, RunDir or path
        One or more runs, side by side.
    arms : sequence of str, optional
        Only these arms.
    everything : bool
        True: measure also what takes minutes, progress measures and graphs of masks.
    height : int
        Height of the frame, in pixels.

    Raises
    ------
    ConfigError
        If no run is given, or a run has no such arm.
    RunError
        If a run is damaged or has no finished network.
    """
    from figures.explorer.command import MOST_MEGABYTES
    from figures.explorer.page import page_html
    from figures.explorer.sources import explored_run
    from training.schema.validation import require

    require(len(runs) > 0, "runs", "at least one run", "none")
    explored = [explored_run(run, arms, everything) for run in runs]
    return ExplorerPage(page_html(explored, MOST_MEGABYTES), height)
