"""One start of `python -m training`: what stands already, what is to do, and the run directory around it."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.execution.jobs import Job, arm_status, finished_in_sibling_runs, jobs
from training.execution.outcomes import outcomes
from training.execution.progress_bar import Progress
from training.execution.scheduler import launch
from training.execution.sparsity_search import refined
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, differences, to_dict

ACTIONS = {
    "new": "train",
    "half trained": "go on",
    "done": "keep",
    "skipped": "skip again",
    "beside": "take over",
}
"""What a start does with an arm that stands so; `beside`: another run in the same folder has it."""
PACKAGES = ("grokking-tickets", "torch", "numpy", "scipy", "safetensors", "pandas", "pyarrow")


class Session:
    """A recipe and the run directory that it belongs to.

    Parameters
    ----------
    text : str
        The recipe's TOML, kept beside the resolved config.
    shard : (int, int)
        (i, n): this start trains the i-th of n shares of the seeds, counted from 1.
    """

    def __init__(self, recipe: Recipe, text: str, out: str, shard: tuple[int, int] = (1, 1)):
        self.text = text
        if Path(out).exists() and not Path(out).is_dir():
            raise ConfigError(f"--out: expected a folder, and {out} is a file")
        self.run = RunDir(Path(out) / recipe.name)
        self.recipe = refined(recipe, self.run)
        i, n = shard
        self.seeds = recipe.seeds[i - 1 :: n]
        if not self.seeds:
            raise ConfigError(
                f"--shard: expected at most {len(recipe.seeds)} shares, one per seed, got {i}/{n}"
            )

    def plan(self, force: bool = False) -> list[dict[str, Any]]:
        """What a start would do with every arm and seed, and why."""
        self._check_config(force)
        rows = []
        finished = {} if force else finished_in_sibling_runs(self.run)
        for job in jobs(self.recipe, self.seeds):
            arm, files = self.recipe.arms[job.arm], self.run.arm(job.arm, job.seed)
            wanted = arm_record(self.recipe, job.arm, job.seed)
            state = "new" if force else arm_status(files, wanted)
            if state in ("new", "half trained") and wanted["hash"] in finished:
                state = "beside"
            todo = ACTIONS[state]
            rows.append(
                {
                    "arm": job.arm,
                    "seed": job.seed,
                    "todo": todo,
                    "method": arm.method,
                    "source": arm.source or "-",
                    "sparsity": self.recipe.sparsity(job.arm),
                    "min_steps": arm.min_steps,
                    "max_steps": arm.max_steps,
                }
            )
        return rows

    def train(self, device: str, workers: int, force: bool = False) -> list[dict[str, Any]]:
        """Train what is not done, the arms that a search adds too, and return the outcome of each and seed.

        Raises
        ------
        RunError
            If the directory holds another experiment (the fields that differ are named), or is damaged.
        Interrupted
            If training was stopped; the same command goes on.
        """
        while True:
            self._train(device, workers, force)
            further = refined(self.recipe, self.run)
            if further is self.recipe:
                return outcomes(self.run, self.recipe)
            self.recipe, force = further, False

    def _train(self, device: str, workers: int, force: bool) -> None:
        all_jobs = jobs(self.recipe, self.seeds)
        begun = time.monotonic()
        with self.run.locked():
            self._check_config(force)
            if force:
                self._clear(all_jobs)
            states = {
                j: arm_status(self.run.arm(j.arm, j.seed), arm_record(self.recipe, j.arm, j.seed))
                for j in all_jobs
            }
            for job, state in states.items():
                if state == "done":
                    self.run.arm(job.arm, job.seed).tidy()
            todo = [job for job, state in states.items() if state in ("new", "half trained")]
            config = self.run.config()
            if todo or (config is not None and config.get("note", "") != self.recipe.note):
                self._write_config()
            taken = {} if force else self._take_over(todo)
            todo = [job for job in todo if job not in taken]
            if todo or taken:
                start = self.run.add_provenance(self._provenance(device, workers, todo, taken))
        if todo:
            progress = Progress(self.recipe, todo)

            def note_device(chosen: str) -> None:
                with self.run.locked():
                    self.run.add_to_provenance(start, {"device": chosen})

            try:
                launch(self.recipe, self.run, todo, device, workers, progress, note_device)
            finally:
                progress.close()
                with self.run.locked():
                    self.run.add_to_provenance(start, {"seconds": round(time.monotonic() - begun, 1)})

    def _take_over(self, todo: list[Job]) -> dict[Job, str]:
        """Arms that another run in the same folder has finished, by the folder each was taken from."""
        finished, taken = finished_in_sibling_runs(self.run), {}
        for job in todo:
            twin = finished.get(arm_record(self.recipe, job.arm, job.seed)["hash"])
            if twin is not None:
                files = self.run.arm(job.arm, job.seed)
                with files.locked():
                    files.take_over(twin)
                taken[job] = str(twin.path)
                print(f"{job}: taken from {twin.path}, trained there with the same config", file=sys.stderr)
        return taken

    def _check_config(self, force: bool) -> None:
        """Refuse a directory that holds another experiment; other seeds are no other experiment."""
        old = self.run.config()
        if old is None and any(not path.name.startswith(".") for path in self.run.path.glob("*")):
            raise RunError(
                f"{self.run.path}: holds files but no config.json, so no run; choose another --out"
            )
        if old is None or force:
            return
        if fields := self._differences(old):
            raise RunError(
                f"{self.run.path}: was made with another config ({'; '.join(fields)});"
                " --set name=OTHER makes a run beside it, --force replaces it"
            )

    def _differences(self, old: dict[str, Any]) -> list[str]:
        with suppress(ConfigError):  # fields that have come since have their defaults
            old = to_dict(recipe_from_dict(old))
        new = to_dict(self.recipe)
        if isinstance(
            arms := old.get("arms"), dict
        ):  # what a search has added, or will again, is no difference
            old = old | {"arms": self._less_searched(arms, new["arms"])}
            new["arms"] = self._less_searched(new["arms"], arms)
        same = dict.fromkeys(("seeds", "about", "collection", "note"))  # words are no experiment either
        return differences(old | same, new | same)

    def _less_searched(self, arms: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Arms without those that only these are, and that the search could have added."""
        if self.recipe.refine is None:
            return arms
        like = to_dict(self.recipe.arms[self.recipe.refine.like]) | {"sparsity": 0}
        return {name: arm for name, arm in arms.items() if name in others or arm | {"sparsity": 0} != like}

    def _clear(self, all_jobs: list[Job]) -> None:
        """Delete these arms; every arm and seed, if the directory holds another experiment."""
        old = self.run.config()
        replaced = old is not None and self._differences(old)
        for files in self.run.arms():
            if replaced or Job(files.arm, files.seed) in all_jobs:
                with files.locked():
                    files.clear()

    def _write_config(self) -> None:
        config = to_dict(self.recipe)
        old = self.run.config()
        if old is not None and not self._differences(old):
            held = old.get("seeds")
            if not isinstance(held, list) or not all(isinstance(seed, int) for seed in held):
                raise RunError(f"{self.run.path / 'config.json'}: damaged: seeds are {held!r}")
            config["seeds"] = sorted({*held, *config["seeds"]})
        self.run.write_recipe(self.text, config)

    def _provenance(
        self, device: str, workers: int, todo: list[Job], taken: dict[Job, str]
    ) -> dict[str, Any]:
        return {
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "python": platform.python_version(),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "machine": platform.machine(),
            "device": device,
            "workers": workers,
            "threads_per_worker": 1,
            "seeds": list(self.seeds),
            "arms": [str(job) for job in todo],
            "taken": {str(job): path for job, path in taken.items()},
        }


def _commit() -> str | None:
    """The commit of this code, with `+` if files differ from it; None outside a checkout."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
