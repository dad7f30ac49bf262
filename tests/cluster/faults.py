"""Faults of a cluster at random moments, and what the same command makes of the run.

Workers, jobs and drivers are killed while short arms train over a one-node Slurm; each run's bytes are
compared with those of a run on this machine alone.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

from campaigns.kills import SAVING_OFTEN
from campaigns.recipes import BASE
from campaigns.trying import Tried, differing, environment, files_of_arms, generator, run
from cluster.cluster_processes import open_addresses, pools_of, processes_of, workers_of_jobs

from training.schema.toml_text import toml_document

NAME = "arms"
STEPS = {"min_steps": 5000, "max_steps": 5000}
RECIPE = BASE | {
    "seeds": [0, 1, 2],
    "measure": {"eval_every": 50, "checkpoints": [{"every": 1000}]},
    "arms": {
        "dense": STEPS,
        "ticket": {"method": "magnitude", "source": "dense"} | STEPS,
        "random": {"method": "random"} | STEPS,
        "shuffled": {"method": "shuffled", "source": "ticket"} | STEPS,
    },
}
SETTINGS = {
    "partition": "test",
    "walltime": "00:10:00",
    "cores_per_node": 2,
    "address": "127.0.0.1",
    "seconds_to_save": 10,
    "heartbeat_seconds": 1,
    "lost_after_seconds": 8,
    "poll_seconds": 1,
}
FAULTS = ("worker", "job, SIGTERM", "job, SIGKILL", "driver", "second driver")
CPUS = 4
"""Processors that the Slurm hands out, so that the jobs of a killed driver, or of two, run side by side."""
FAULTS_OF_A_RUN = 12
"""Faults before a run is let finish, and compared."""
LONGEST_ROUND = 150.0
"""Seconds after which a run that has not ended is a failure."""


class Watch:
    """What must not be seen while a run trains: a network that is finished twice, a port open to others.

    Parameters
    ----------
    slurm : OneNodeSlurm
    run : Path
        Folder of the run.
    """

    def __init__(self, slurm, run):
        self.slurm, self.run = slurm, run
        self.finished, self.twice, self.foreign = {}, set(), set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self.look_at_records()

    def look_at_records(self):
        """Note each record of a finished network, and those that are another file than before."""
        for file in self.run.glob("arms/*/*/DONE"):
            status = file.stat()
            key = (status.st_ino, status.st_mtime_ns)
            if self.finished.setdefault(file, key) != key:
                self.twice.add(file)

    def _look(self):
        turn = 0
        while not self._ended.wait(0.1):
            self.look_at_records()
            turn += 1
            if turn % 20 == 0:
                opened = open_addresses(processes_of(self.slurm))
                self.foreign |= {address for address, _ in opened if not is_loopback(address)}


def is_loopback(address):
    """Return True for an address that no other machine reaches."""
    return address.startswith("127.") or address == "::1"


class Driver:
    """`python -m training … --executor slurm`, which is started again after it is killed."""

    def __init__(self, folder, out, settings):
        self.command = [
            *(sys.executable, "-m", "training", str(folder / f"{NAME}.toml"), "--out", str(out)),
            *("--executor", "slurm", "--plugin", str(folder / "often.py")),
        ]
        self.log = out.with_suffix(".log")
        self.variables = {"GROKKING_TICKETS_CLUSTER": str(settings)}
        self.process, self.others = None, []

    def start(self):
        """Start it."""
        self.process = self._started()

    def start_another(self):
        """Start the same command beside it."""
        self.others.append(self._started())

    def _started(self):
        with self.log.open("a") as log:
            return subprocess.Popen(
                self.command,
                env=environment(**self.variables),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self):
        """Kill it, and start it again at once, while its workers still train."""
        self.process.kill()
        self.process.wait()
        self.start()

    def end(self):
        """End all of it; nothing is left to end of what has ended by itself."""
        for process in (self.process, *self.others):
            process.kill()
            process.wait()

    def codes(self, until):
        """Return the exit codes of all its commands, None of those that have not ended by then."""
        processes = (self.process, *self.others)
        for process in processes:
            await_moment(process, until - time.monotonic())
        return [process.poll() for process in processes]


class Faults:
    """Faults that are left to make, chosen at random.

    Parameters
    ----------
    counts : dict
        Number of each of `FAULTS`.
    """

    def __init__(self, slurm, rng, counts):
        self.slurm, self.rng, self.left = slurm, rng, dict(counts)

    def make(self, driver):
        """Make one, and return its name; None if nothing was there to kill."""
        names = [name for name, n in self.left.items() for _ in range(n)]
        fault = self.rng.choice(names)
        if not self._made(fault, driver):
            return None
        self.left[fault] -= 1
        return fault

    def _made(self, fault, driver):
        if fault == "driver":
            driver.kill()
            return True
        if fault == "second driver":
            driver.start_another()
            return True
        if fault == "worker":
            workers = workers_of_jobs(self.slurm)
            if workers:
                os.kill(self.rng.choice(workers), signal.SIGKILL)
            return bool(workers)
        jobs = self.slurm.jobs()
        if not (jobs and pools_of(self.slurm)):  # a job that has not begun is no loss
            return False
        how = [] if fault == "job, SIGTERM" else ["--signal=KILL", "--full"]
        with contextlib.suppress(subprocess.CalledProcessError):  # it has ended meanwhile
            self.slurm.command("scancel", *how, self.rng.choice(jobs))
            return True
        return False

    def __bool__(self):
        return any(self.left.values())


def campaign(slurm, counts, seed, folder, limit, recipe=RECIPE):
    """Return what faults at random moments showed.

    Parameters
    ----------
    counts : dict
        Number of faults by name, of `FAULTS`.
    limit : float
        Seconds after which no new run is begun.
    """
    tried, rng, begun = Tried("E"), generator("cluster", seed), time.monotonic()
    (folder / f"{NAME}.toml").write_text(toml_document(recipe))
    (folder / "often.py").write_text(SAVING_OFTEN)
    settings = folder / "cluster.toml"
    settings.write_text(toml_document({"cluster": SETTINGS}))
    local = run("training", folder / f"{NAME}.toml", "--out", folder / "local", "--jobs", 2)
    if not tried.judge("on this machine", local):
        return tried
    expected = files_of_arms(folder / "local" / NAME)
    faults, rounds = Faults(slurm, rng, counts), 0
    while faults and time.monotonic() - begun < limit:
        rounds += 1
        train_with_faults(tried, faults, Driver(folder, folder / f"round_{rounds}", settings), expected)
    if faults:
        tried.fail("faults", "silent", f"not made within {limit:.0f} s: {faults.left}")
    return tried


def train_with_faults(tried, faults, driver, expected):
    """Train a run to its end while faults are made, and judge what it has become."""
    out, slurm = driver.log.with_suffix(""), faults.slurm
    until, n_left = time.monotonic() + LONGEST_ROUND, FAULTS_OF_A_RUN
    with Watch(slurm, out / NAME) as watch:
        driver.start()
        try:
            while driver.process.poll() is None and time.monotonic() < until:
                await_moment(driver.process, faults.rng.uniform(0.2, 2.2))
                if faults and n_left and driver.process.poll() is None and (fault := faults.make(driver)):
                    tried.counts[fault] += 1
                    n_left -= 1
            codes = driver.codes(until)
        finally:
            driver.end()
    text = driver.log.read_text()
    said = text.strip()[-1500:]
    if None in codes:
        tried.fail("run", "silent", f"not done after {LONGEST_ROUND:.0f} s: {said}")
    elif any(codes):
        tried.fail("run", "exit code", f"{codes}: {said}")
    if (at := text.find("Traceback (most recent call last)")) >= 0:
        tried.fail("run", "traceback", text[at : at + 4000])
    if watch.twice:
        tried.fail("run", "twice", ", ".join(map(str, sorted(watch.twice))))
    if watch.foreign:
        tried.fail("run", "open port", ", ".join(sorted(watch.foreign)))
    is_done = not any(code != 0 for code in codes)
    if is_done and (unequal := differing(expected, files_of_arms(out / NAME))):
        tried.fail("run", "unequal", unequal)
    tried.counts["run, compared with one on this machine"] += is_done
    tried.counts["networks"] += len(watch.finished)


def await_moment(process, seconds):
    """Wait, at most until a process ends."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
