"""A node's processes under Parsl: dead workers, ended jobs, a dead driver; on this machine, without Slurm."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import command_of, parent_of

from training.execution.cluster import block_script, cpu_pin, interchange_guard, launch_commands
from training.execution.cluster.block_script import UNTIL
from training.execution.cluster.parsl_config import cluster_of

parsl = pytest.importorskip("parsl", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.xdist_group("cluster")

CONFIG = """
from parsl import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider


class PolledLocal(LocalProvider):
    status_polling_interval = 0.5


provider = PolledLocal(init_blocks=1, max_blocks=1, launcher=SimpleLauncher(), worker_init={init!r})
executor = HighThroughputExecutor(
    provider=provider, address="127.0.0.1", max_workers_per_node=2, heartbeat_period=1, heartbeat_threshold=4
)
config = Config([executor], strategy_period=0.5, initialize_logging=False)
"""
DRIVER = """
import os, sys, time
from pathlib import Path
import parsl
from training.execution.cluster.parsl_config import cluster_of

cluster = cluster_of(sys.argv[1], Path(sys.argv[2]))
parsl.load(cluster.config)
print(cluster.executor.submit(os.getppid, {}).result(60), cluster.executor.interchange_proc.pid, flush=True)
cluster.executor.submit(time.sleep, {}, 60)
time.sleep(60)
"""
PATIENCE = 30
"""Seconds within which anything here happens."""


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a cluster on this machine; it is shut down at the end."""

    def begin(init=""):
        (tmp_path / "mine.py").write_text(CONFIG.format(init=init))
        cluster = cluster_of(str(tmp_path / "mine.py"), tmp_path / "parsl")
        parsl.load(cluster.config)
        return cluster.executor

    yield begin
    parsl.dfk().cleanup()
    parsl.clear()


def call(executor, function, *arguments):
    """Call a function by a worker, again if the worker dies with it."""
    from parsl.executors.high_throughput.errors import WorkerLost

    for _ in range(10):
        try:
            return executor.submit(function, {}, *arguments).result(PATIENCE)
        except WorkerLost:
            continue
    raise AssertionError("every worker died")


def await_that(condition):
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def await_end(*pids):
    """Wait until processes have ended."""
    await_that(lambda: all(parent_of(pid) is None for pid in pids))


def workers_below(pool):
    """Return the ids of a pool's worker processes."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [n for n in numbers if parent_of(n) == pool and b"spawn_main" in command_of(n)]


def test_workers_killed_while_they_wait_are_replaced(start):
    executor = start()
    pool = call(executor, os.getppid)
    for _ in range(5):
        for worker in workers_below(pool):
            os.kill(worker, signal.SIGKILL)
        answers = [call(executor, abs, -n) for n in range(6)]
        assert answers == list(range(6))
        assert call(executor, os.getppid) == pool


def test_a_node_whose_workers_only_die_gives_itself_up(start):
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    executor = start()
    pool = call(executor, os.getppid)
    while parent_of(pool) is not None:
        with pytest.raises((WorkerLost, ManagerLost)):
            executor.submit(os._exit, {}, 1).result(PATIENCE)
    assert call(executor, os.getppid) != pool


def test_a_call_whose_worker_is_killed_is_reported_at_once(start):
    from parsl.executors.high_throughput.errors import WorkerLost

    executor = start()
    pool = call(executor, os.getppid)
    calls = [executor.submit(time.sleep, {}, 60) for _ in range(2)]
    time.sleep(0.5)
    began = time.monotonic()
    for worker in workers_below(pool):
        os.kill(worker, signal.SIGKILL)
    for each in calls:
        with pytest.raises(WorkerLost):
            each.result(PATIENCE)
    assert time.monotonic() - began < 3  # before a heartbeat is missed
    assert call(executor, abs, -3) == 3


def test_errors_and_results_come_back(start):
    executor = start()
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, {}, 1, 0).result(PATIENCE)
    assert executor.submit(divmod, {}, 7, 2).result(PATIENCE) == (3, 1)
    assert executor.submit(os.getenv, {}, "PARSL_WORKER_COUNT").result(PATIENCE) == "2"


def test_only_who_has_the_keys_is_heard(start):
    import zmq
    from parsl.curvezmq import ClientContext

    executor = start()
    for keys, is_heard in ((None, False), (executor.cert_dir, True)):
        context = ClientContext(keys)
        with context.socket(zmq.DEALER) as asking:
            asking.setsockopt(zmq.LINGER, 0)
            asking.connect(f"tcp://127.0.0.1:{executor.worker_port}")
            asking.send(pickle.dumps({"type": "connection_probe"}))
            assert bool(asking.poll(2000)) == is_heard
        context.term()


STOPPING_CALL = """
import signal, time
from pathlib import Path

asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
Path({file!r}).write_text("begun")
while not asked:
    time.sleep(0.02)
Path({file!r}).write_text("saved")
"""
"""A call that stops at SIGTERM, as a training does."""


def test_a_job_that_is_asked_to_end_sends_what_it_has_and_another_takes_over(start, tmp_path):
    executor = start()
    pool = call(executor, os.getppid)
    file = tmp_path / "state"
    answer = executor.submit(exec, {}, STOPPING_CALL.format(file=str(file)), {})
    await_that(file.exists)
    os.kill(pool, signal.SIGTERM)
    assert answer.result(PATIENCE) is None
    assert file.read_text() == "saved"
    await_end(pool)
    other = executor.submit(os.getppid, {}).result(PATIENCE)
    assert other != pool


def test_a_job_whose_time_is_up_is_followed_by_another(start):
    executor = start(init=f"export {UNTIL}=$(( $(date +%s) + 3 ))")
    pools = set()
    until = time.monotonic() + PATIENCE
    while len(pools) < 2:
        assert time.monotonic() < until
        pools.add(executor.submit(os.getppid, {}).result(PATIENCE))  # none is lost
        time.sleep(0.05)


def test_a_killed_job_is_given_up_and_another_takes_over(start):
    from parsl.executors.high_throughput.errors import ManagerLost

    executor = start()
    pool = call(executor, os.getppid)
    answer = executor.submit(time.sleep, {}, 60)
    time.sleep(0.3)
    workers = workers_below(pool)
    os.kill(pool, signal.SIGKILL)
    with pytest.raises(ManagerLost):
        answer.result(PATIENCE)
    assert executor.submit(os.getppid, {}).result(PATIENCE) != pool
    for worker in workers:
        if parent_of(worker) is not None:
            os.kill(worker, signal.SIGKILL)  # `time.sleep` does not look for its parent


def test_jobs_that_never_connect_end_the_run_with_their_last_words(start):
    from parsl.executors.errors import BadStateException

    executor = start(init="echo no such module >&2; exit 3")
    with pytest.raises(BadStateException, match=r"3 jobs in a row ended before a worker connected.*no such"):
        executor.submit(os.getpid, {}).result(PATIENCE)


def test_nodes_without_the_pinned_instructions_end_the_run_with_their_name(start, monkeypatch):
    from parsl.executors.errors import BadStateException

    pytest.importorskip("numba")
    monkeypatch.setattr(block_script, "pinned_environment", lambda _: {cpu_pin.LOOPS: "+not-yet-made"})
    executor = start()
    with pytest.raises(BadStateException, match=r"processor has no not-yet-made, which the run is pinned to"):
        executor.submit(os.getpid, {}).result(PATIENCE)


def test_another_python_on_a_node_is_refused_and_both_are_named(start, tmp_path):
    from parsl.executors.errors import BadStateException

    (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '3.9.1'\n")
    executor = start(init=f"export PYTHONPATH={tmp_path}")
    ours = f"py.v={sys.version_info.major}.{sys.version_info.minor} "
    with pytest.raises(BadStateException, match=rf"py\.v=3\.9 .*does not match .*{re.escape(ours)}"):
        executor.submit(os.getpid, {}).result(PATIENCE)


def test_the_end_of_the_interchange_is_noticed(start, monkeypatch):
    from parsl.executors.errors import BadStateException

    monkeypatch.setattr(interchange_guard, "COMMAND_SECONDS", 3.0)
    executor = start()
    pool = call(executor, os.getppid)
    answer = executor.submit(time.sleep, {}, 60)
    executor.interchange_proc.kill()
    with pytest.raises(
        BadStateException, match=r"interchange ended with exit code -9; run the command again"
    ):
        answer.result(PATIENCE)
    await_end(pool)


@pytest.mark.parametrize("written", [b"", b"\x80\x04\x95"])
def test_an_interchange_whose_driver_dies_as_it_starts_ends_silently(written):
    command = launch_commands.interchange_command()
    done = subprocess.run(command, input=written, capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_killed_driver_leaves_nothing_behind(tmp_path):
    (tmp_path / "mine.py").write_text(CONFIG.format(init=""))
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "mine.py"), str(tmp_path / "parsl")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with driver:
        assert driver.stdout is not None
        pool, interchange = map(int, driver.stdout.readline().split())
        workers = workers_below(pool)
        assert len(workers) == 2
        driver.kill()
    await_end(interchange, pool, *workers)
