"""Workers of one node, connected to the driver through Parsl's interchange.

It takes the place of Parsl's own pool, whose workers share one queue and its lock: one that is killed while
it waits there leaves the lock shut for all, or takes a call with it. Here every worker has a pipe of its
own, a dead one is noticed and replaced at once, and SIGTERM lets workers save and send what they have.
"""

from __future__ import annotations

import argparse
import math
import os
import pickle
import platform
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from training.cli.spawned_process import SPAWNING
from training.execution.cluster.cpu_pin import unmet_pin
from training.execution.cluster.node_messages import lost, registration
from training.execution.cluster.node_worker import serve

POLL_MS = 500
"""Longest wait before signals and heartbeats are looked at."""
EARLY_DEATHS, EARLY_SECONDS = 10, 10.0
"""Workers in a row that may die within so many seconds of their start before a node gives itself up."""
SAVE_SECONDS = 20
"""Longest time for workers to save once the node has to end; Slurm kills after 30 by default."""


class NodeWorker:
    """Pool's side of a worker process.

    Parameters
    ----------
    environment : dict
        Variables of the worker.
    """

    def __init__(self, environment: dict[str, str]):
        self.environment = environment
        self.pipe, theirs = SPAWNING.Pipe()
        self.process = SPAWNING.Process(target=serve, args=(theirs, environment), daemon=True)
        self.process.start()
        self.began = time.monotonic()
        theirs.close()
        self.task: int | None = None
        """Number of the call it is at."""

    def give(self, number: int, call: bytes) -> None:
        """Send it a call; if it is dead, its pipe says so soon."""
        self.task = number
        with suppress(OSError):
            self.pipe.send_bytes(pickle.dumps((number, call)))

    def close(self) -> None:
        """End the process if it has not ended, and wait for it."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


class NodePool:
    """Connection to the interchange, and the workers that it feeds."""

    def __init__(self, options: argparse.Namespace):
        import zmq

        self.options = options
        self.uid = uuid.uuid4().hex[:12]
        self.signals: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: self.signals.append(number))
        self.waiting: deque[dict[str, Any]] = deque()
        """Calls that no worker has yet."""
        self.socket, url = connected(options, self.uid)
        self.poller = zmq.Poller()
        self.readable = zmq.POLLIN
        self.poller.register(self.socket, self.readable)
        self._is_dismissed, self._n_early_deaths = False, 0
        self.workers = [self._start(variables) for variables in worker_environments(options)]
        self._heard = self._beat = time.monotonic()  # now: many workers take time to start
        say(f"{len(self.workers)} workers, connected to {url}")

    def serve(self) -> None:
        """Pass on calls and results until `_ending` has a cause."""
        self._send(registration(self.uid, self.options.block_id, len(self.workers)))
        while (cause := self._ending()) is None:
            self._turn()
        say(f"ends: {cause}")
        self._end()

    def _ending(self) -> str | None:
        """Return why this node has to end, None if it goes on."""
        if self.signals:
            return f"signal {signal.Signals(self.signals[0]).name}"
        if self._is_dismissed:
            return "the driver has no more work for it"
        if self._n_early_deaths > EARLY_DEATHS:
            return f"{self._n_early_deaths} workers in a row died at their start"
        silence = time.monotonic() - self._heard
        is_silent = silence > self.options.hb_threshold and not self.socket.poll(0)  # what waits was heard
        return f"heard nothing for {silence:.0f} s" if is_silent else None

    def _turn(self) -> None:
        """Take what has come, from the interchange and from workers."""
        ready = dict(self.poller.poll(POLL_MS))
        if self.socket in ready:
            self._take_message()
        for worker in list(self.workers):
            if worker.pipe.fileno() in ready:
                self._take_answer(worker)
        for worker in self.workers:
            if self.waiting and worker.task is None:
                call = self.waiting.popleft()
                worker.give(call["task_id"], call["buffer"])
        if time.monotonic() >= self._beat + self.options.hb_period:
            self._beat = time.monotonic()
            self._send({"type": "heartbeat"})

    def _take_message(self) -> None:
        """Take a message of the interchange: calls, a sign of life, or the end."""
        from parsl.executors.high_throughput.process_worker_pool import HEARTBEAT_CODE, SHUTDOWN_CODE

        message = pickle.loads(self.socket.recv())
        self._heard = time.monotonic()
        if message == SHUTDOWN_CODE:
            self._is_dismissed = True
        elif message != HEARTBEAT_CODE:
            self.waiting.extend(message)

    def _take_answer(self, worker: NodeWorker) -> None:
        """Pass on a worker's answer, or replace a dead one."""
        try:
            self.socket.send(worker.pipe.recv_bytes())
            worker.task, self._n_early_deaths = None, 0
        except (EOFError, OSError):
            self._lose(worker)
            is_early = time.monotonic() - worker.began < EARLY_SECONDS
            self._n_early_deaths = self._n_early_deaths + 1 if is_early else 0
            rank, code = worker.environment["PARSL_WORKER_RANK"], worker.process.exitcode
            say(f"worker {rank} died (exit code {code}); another takes its place")
            self.workers.append(self._start(worker.environment))

    def _lose(self, worker: NodeWorker) -> None:
        """Tell that a worker has died, and forget it."""
        self.workers.remove(worker)
        self.poller.unregister(worker.pipe.fileno())
        worker.close()
        if worker.task is not None:
            self._send(lost(worker.task, worker.environment["PARSL_WORKER_RANK"]))

    def _end(self) -> None:
        """Take no more calls, and let workers save and send what they have."""
        self._send({"type": "drain"})
        self._refuse_calls()
        for worker in self.workers:
            worker.process.terminate()
        until = time.monotonic() + SAVE_SECONDS
        while self.workers and time.monotonic() < until:
            ready = dict(self.poller.poll(POLL_MS))
            if self.socket in ready:
                self._take_message()
                self._refuse_calls()
            for worker in list(self.workers):
                if worker.pipe.fileno() in ready:
                    self._take_last_answer(worker)
        for worker in list(self.workers):
            self._lose(worker)
        self.socket.close()

    def _refuse_calls(self) -> None:
        while self.waiting:
            self._send(lost(self.waiting.popleft()["task_id"], "none"))

    def _take_last_answer(self, worker: NodeWorker) -> None:
        with suppress(EOFError, OSError):
            self.socket.send(worker.pipe.recv_bytes())
            worker.task = None
        self._lose(worker)

    def _start(self, environment: dict[str, str]) -> NodeWorker:
        worker = NodeWorker(environment)
        self.poller.register(worker.pipe.fileno(), self.readable)
        return worker

    def _send(self, message: dict[str, Any]) -> None:
        self.socket.send(pickle.dumps(message))


def connected(options: argparse.Namespace, uid: str) -> tuple[Any, str]:
    """Return a named socket to the interchange, and its address.

    The addresses are probed without the name. Parsl's own pool gives both connections one name; where the
    second comes before the interchange has seen the end of the first, all its messages are dropped.

    Raises
    ------
    ConnectionError
        If no address answers within `hb_threshold` seconds.
    """
    import zmq
    from parsl.addresses import tcp_url
    from parsl.curvezmq import ClientContext
    from parsl.executors.high_throughput.probe import probe_addresses

    context = ClientContext(None if options.cert_dir == "None" else options.cert_dir)
    urls = {tcp_url(address, options.port) for address in options.addresses.split(",")}
    url = probe_addresses(context, urls, int(1000 * options.hb_threshold))
    named = context.socket(zmq.DEALER)
    named.setsockopt(zmq.IDENTITY, uid.encode())
    named.setsockopt(zmq.LINGER, 2000)
    named.connect(url)
    return named, url


def worker_environments(options: argparse.Namespace) -> list[dict[str, str]]:
    """Return each worker's variables, as its rank and its GPU."""
    n_cores = int(os.environ.get("PARSL_CORES") or len(os.sched_getaffinity(0)))
    counts = [options.max_workers_per_node, round(n_cores / options.cores_per_worker + 1e-6, 6)]
    if options.mem_per_worker != "None":
        counts.append(_memory_gb() / float(options.mem_per_worker))
    if options.accelerators:
        counts.append(len(options.accelerators))
    n_workers = max(1, int(min(counts)))
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    names = visible if len(visible) >= len(options.accelerators) else options.accelerators
    return [
        {
            "PARSL_WORKER_RANK": str(rank),
            "PARSL_WORKER_COUNT": str(n_workers),
            "PARSL_WORKER_BLOCK_ID": options.block_id,
            **({"CUDA_VISIBLE_DEVICES": names[rank]} if options.accelerators else {}),
        }
        for rank in range(n_workers)
    ]


def _memory_gb() -> float:
    """Return the memory that this node has for workers."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return float(os.environ.get("PARSL_MEMORY_GB") or pages)


def say(text: str) -> None:
    """Write a line into the job's output."""
    print(f"{time.strftime('%H:%M:%S')} {platform.node()}: {text}", file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options that Parsl filled in."""
    parser = argparse.ArgumentParser(prog="node_pool", description="Workers of one node; Parsl starts it.")
    for name in ("addresses", "port", "cert_dir", "block_id", "mem_per_worker"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("cores_per_worker", "hb_period", "hb_threshold"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--max_workers_per_node", type=float, default=math.inf)
    parser.add_argument("--accelerators", nargs="*", default=[])
    return parser.parse_args(arguments)


def main() -> None:
    """Serve one node of a job."""
    options = parsed()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C means
    if refusal := unmet_pin():
        say(refusal)
        sys.exit(1)
    try:
        pool = NodePool(options)
    except ConnectionError as error:
        say(f"no driver: {error}")
        sys.exit(1)
    pool.serve()


if __name__ == "__main__":
    main()
