"""Files of a run that are handed on, and reasons of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.runs.handover.manifest import MANIFEST, is_path_in_run

RECIPE_FILES = ("config.json", "recipe.toml", "recipe.given.toml", "provenance.json", "explorer.html")
"""Files at the top of a run."""
FOLDERS = ("analyses", "arms", "figures", "with_arguments")
"""Folders of a run."""
NETWORK_FILES = ("metrics.parquet", "checkpoints.safetensors", "mask.safetensors")
"""Files by which two networks are the same; a state also names its start."""
FINAL_STATES = ("state.pt", "final_state.pt")
"""Files of a finished network from which it could be trained on."""
CACHES = ("analyses/inputs.json",)
"""Files that hold for one copy of a run only."""
NO_PART = "no part of a run; send it beside the archive"
STRANGE = "not a name that every system takes; rename it"


def files_of_run(run: Path) -> tuple[list[str], dict[str, str]]:
    """Return the sorted paths of a run's files, and reasons of those left out.

    Locks, temporary files, caches, replaced networks and an older manifest are neither.
    """
    files, omitted = [], {}
    for path in sorted(run.iterdir()):
        name = path.name
        if name.startswith(".") or name == MANIFEST:
            continue
        if path.is_dir() and name in FOLDERS:
            for inner in _files_below(path):
                relative = inner.relative_to(run).as_posix()
                if is_path_in_run(relative):
                    files.append(relative)
                else:
                    omitted[relative.replace("\\", "/")] = STRANGE
        elif path.is_file() and name in RECIPE_FILES:
            files.append(name)
        else:
            omitted[name] = NO_PART
    return sorted(name for name in files if name not in CACHES), omitted


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, except hidden ones."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files_below(path)
        elif path.is_file():
            yield path
