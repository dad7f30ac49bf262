"""Campaign A: kills at random moments, and what the same command makes then.

`python tests/campaigns/kills.py --cases 200 --seed 0` prints by kind what was tried and what failed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from campaigns.recipes import GROWTH, RECIPES, write_recipe
from campaigns.trying import Tried, command, differing, files_of_arms, generator, in_parallel, run
from processes import workers_of

TARGETS = ("parent", "worker", "group")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
KILLS_OF_A_RUN = 4
"""Kills before a run is finished and compared."""
SAVING_OFTEN = """
import multiprocessing

if multiprocessing.parent_process() is not None:  # a worker, which loads torch in any case
    import training.execution.arms.training_loop

    training.execution.arms.training_loop.SAVE_SECONDS = 0.05
"""
"""Plug-in by which a training of seconds writes states as often as one of hours."""


class Killer:
    """Kill one process of a command at a random moment.

    Half of the moments are counted from the command's start, half from the first file of an arm in training.
    """

    def __init__(self, rng, path):
        self.target, self.signal = rng.choice(TARGETS), rng.choice(SIGNALS)
        self.path, self.in_training = path, rng.random() < 0.8
        self.delay = rng.uniform(0, 0.5 if self.in_training else 2.5)
        self.has_killed = False

    def __call__(self, process):
        """Wait, then kill."""
        before = self._newest()
        while self.in_training and process.poll() is None and self._newest() == before:
            time.sleep(0.005)
        until = time.monotonic() + self.delay
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        if process.poll() is None:
            self.has_killed = self._kill(process)

    def _newest(self):
        """Return the time of the last change in a folder of an arm."""
        with contextlib.suppress(OSError):
            return max((folder.stat().st_mtime_ns for folder in self.path.glob("arms/*/*")), default=0)
        return 0

    def _kill(self, process):
        with contextlib.suppress(ProcessLookupError):
            if self.target == "group":
                os.killpg(process.pid, self.signal)
                return True
            workers = workers_of(process)
            if self.target == "parent" or workers:
                os.kill(process.pid if self.target == "parent" else workers[0], self.signal)
                return True
        return False


def finished(path):
    """Return the records of finished arms, by path."""
    return {name: content for name, content in files_of_arms(path).items() if name.endswith("/DONE")}


def kill_often(name, n_kills, rng, folder):
    """Return what `n_kills` kills of a recipe's training showed."""
    tried = Tried("A")
    recipe = write_recipe(name, folder)
    plugin = folder / "often.py"
    plugin.write_text(SAVING_OFTEN)

    def train(out, *more, **options):
        return run("training", recipe, "--out", out, "--jobs", 2, "--plugin", plugin, *more, **options)

    growth, before = GROWTH.get(name, ()), folder / "before"
    if growth and not tried.judge(f"{name} before", train(before)):
        return tried

    def begin(out):
        shutil.rmtree(out, ignore_errors=True)
        if growth:
            shutil.copytree(before, out)

    begin(folder / "undisturbed")
    if not tried.judge(f"{name} undisturbed", train(folder / "undisturbed", *growth)):
        return tried
    expected = files_of_arms(folder / "undisturbed" / name)
    left, out = n_kills, folder / "killed"
    while left:
        begin(out)
        for _ in range(min(KILLS_OF_A_RUN, left)):
            killer = Killer(rng, out / name)
            done = finished(out / name)
            ended = train(out, *growth, meanwhile=killer)
            kind = f"{name}, {killer.target}, {killer.signal.name}"
            tried.judge(kind, ended, codes=(0, 1, -killer.signal))
            still_done = finished(out / name) if not growth else done  # what grows is half trained meanwhile
            if gone := differing(done, {path: still_done[path] for path in done if path in still_done}):
                tried.fail(kind, "lost", gone)
            if not killer.has_killed:  # the training ended first
                break
            tried.counts[kind] += 1
            left -= 1
        tried.judge(kind, train(out, *growth))
        if difference := differing(expected, files_of_arms(out / name)):
            tried.fail(kind, "unequal", difference)
    return tried


def campaign(cases, seed, folder, lanes=2, names=tuple(RECIPES)):
    """Return what kills spread over the recipes showed."""
    shares = {name: len(range(i, cases, len(names))) for i, name in enumerate(names)}
    parts = [
        lambda name=name, n=n: kill_often(name, n, generator(seed, name), folder / name)
        for name, n in shares.items()
        if n
    ]
    return in_parallel("A", parts, lanes)


if __name__ == "__main__":
    sys.exit(command("Campaign A: kills.", 210, campaign))
