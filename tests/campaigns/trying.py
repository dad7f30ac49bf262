"""Commands that campaigns run, with seeds, time limits and counts of what failed."""

import argparse
import contextlib
import io
import os
import random
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW_SECONDS = 20.0
"""Longest time that a command may say nothing."""
END_SECONDS = 300.0
"""Time after which a command is killed and counted as silent."""
FAST_FOLDER = Path("/dev/shm")
"""Folder in memory, where it exists: every write waits for the disk otherwise."""
START = re.compile(rb'"start": "\w+"')
"""Entry of a record that names the start of which an arm is: a killed run has several."""
FAILURES = ("lost", "unequal", "traceback", "silent", "exit code", "twice", "open port")
"""Kinds of failures that are counted."""


@dataclass
class Tried:
    """Counts of one campaign by kind of case, and its failures."""

    letter: str
    counts: Counter = field(default_factory=Counter)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind of case, kind of failure, text)."""

    def add(self, other):
        """Add the counts and failures of another part."""
        self.counts.update(other.counts)
        self.failures += other.failures

    def fail(self, kind, failure, text):
        """Count a failure."""
        assert failure in FAILURES, failure
        self.failures.append((kind, failure, text))

    def judge(self, kind, ended, codes=(0,)):
        """Count a command's traceback, silence and unexpected exit code; True if there is none."""
        before = len(self.failures)
        if "Traceback (most recent call last)" in ended.text:
            self.fail(kind, "traceback", ended.described())
        if ended.silence > SLOW_SECONDS:
            self.fail(kind, "silent", f"{ended.silence:.0f} s: {ended.described()}")
        if ended.code not in codes and len(self.failures) == before:
            self.fail(kind, "exit code", ended.described())
        return len(self.failures) == before

    def total(self):
        """Return the counts over all kinds, in words."""
        failed = Counter(failure for _, failure, _ in self.failures)
        words = ", ".join(f"{failed[failure]} {failure}" for failure in FAILURES)
        return f"{self.letter}: {sum(self.counts.values())} tried; {words}"

    def lines(self, verbose=False):
        """Return a line per kind, and one per failure."""
        for kind, n in sorted(self.counts.items()):
            failed = Counter(failure for of, failure, _ in self.failures if of == kind)
            words = ", ".join(f"{count} {failure}" for failure, count in failed.items())
            yield f"{self.letter} {kind}: {n} tried; {words or 'none failed'}"
        for kind, failure, text in self.failures:
            yield f"{self.letter} {kind}: {failure}: {text if verbose else text[-300:]}"


@dataclass
class Ended:
    """A command that has ended: code, printed text, and the longest time without a word."""

    command: list[str]
    code: int
    text: str
    silence: float

    def described(self):
        """Return the command, its exit code and its last lines."""
        return f"{' '.join(self.command[1:])} → {self.code}: {self.text.strip()[-1500:]}"


def environment(**more):
    """Return this process's environment for a command of this tree."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"} | more


def run(*arguments, meanwhile=lambda process: None, limit=None, **more):
    """Run `python -m …` to its end, and that of the processes it started.

    Parameters
    ----------
    meanwhile : callable
        Called with the process as soon as it was started.
    limit : callable, optional
        Called in the child before the command, as for `resource.setrlimit`.
    more : str
        Environment variables.
    """
    command = [sys.executable, "-m", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=limit,
    )
    try:
        meanwhile(process)
        text, silence = _read(process)
        return Ended(command, process.wait(), text, silence)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def called(what, function, *arguments):
    """Call a command in this process, and return how it ended; its code is what it returned.

    The time is this process's own: others may hold the cores.
    """
    printed, begun, code = io.StringIO(), time.process_time(), None
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            code = function(*arguments)
        except SystemExit as stop:
            code = stop.code
        except Exception:  # any exception that reaches a user is what is looked for
            printed.write(traceback.format_exc())
    return Ended(["", what], code, printed.getvalue(), time.process_time() - begun)


def _read(process):
    """Return what a process prints until its pipe ends, and the longest silence."""
    begun = last = time.monotonic()
    parts, silence = [], 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            is_ready = selector.select(timeout=1.0)
            now = time.monotonic()
            silence = max(silence, now - last)
            if not is_ready and now - begun < END_SECONDS:
                continue
            part = os.read(process.stdout.fileno(), 1 << 16) if is_ready else b""
            if not part:
                return b"".join(parts).decode(errors="replace"), silence
            parts.append(part)
            last = now


def files_of_arms(run):
    """Return all files of arms but locks, and config and recipe, by path; records without their start."""
    files = [run / "config.json", run / "recipe.toml", *sorted((run / "arms").rglob("*"))]
    return {
        str(file.relative_to(run)): START.sub(b"", file.read_bytes())
        if file.name in ("DONE", "SKIPPED")
        else file.read_bytes()
        for file in files
        if file.is_file() and file.name != ".lock"
    }


def differing(expected, got):
    """Return the paths whose bytes differ, or that one side lacks, as text."""
    paths = [path for path in sorted({*expected, *got}) if expected.get(path) != got.get(path)]
    return ", ".join(f"{path} ({'missing' if path not in got else 'differs'})" for path in paths)


def in_parallel(letter: str, parts: Iterable[Callable[[], Tried]], lanes: int) -> Tried:
    """Return the sum of all parts, `lanes` at a time."""
    tried = Tried(letter)
    with ThreadPoolExecutor(lanes) as pool:
        for part in pool.map(lambda part: part(), list(parts)):
            tried.add(part)
    return tried


def generator(*key):
    """Return a random generator of a key."""
    return random.Random(" ".join(map(str, key)))


def command(about, default, campaign):
    """Run a campaign as a command: `campaign(n, seed, folder, lanes)` returns a `Tried`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--cases", type=int, default=default)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lanes", type=int, default=2, help="commands at a time")
    parser.add_argument("--verbose", action="store_true", help="print failures in full")
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER if FAST_FOLDER.is_dir() else None) as folder:
        tried = campaign(args.cases, args.seed, Path(folder), args.lanes)
    print(*tried.lines(args.verbose), sep="\n")
    print(f"{tried.total()}, in {time.monotonic() - begun:.0f} s, seed {args.seed}", flush=True)
    return int(bool(tried.failures))
