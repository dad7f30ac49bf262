"""Parsl's interchange, which ends all nodes and itself once the driver is gone.

Run as a script with the driver's process id; Parsl writes the settings to its stdin. Parsl's own goes on
after a killed driver, and keeps every job of it idle until its walltime ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from typing import Any


def serve(driver: int) -> None:
    """Connect nodes with the driver until the driver ends."""
    from parsl.executors.high_throughput.interchange import PKL_SHUTDOWN_CODE, Interchange

    class EndingInterchange(Interchange):
        """Interchange that looks for its driver at each turn of its loop."""

        def expire_drained_managers(self, *arguments: Any) -> None:
            """Tell every node to end if the driver is gone, else those whose time is up."""
            if os.getppid() == driver:
                super().expire_drained_managers(*arguments)
                return
            for node in self._ready_managers:
                self.manager_sock.send_multipart([node, PKL_SHUTDOWN_CODE])
            time.sleep(1)  # a thread sends them; the sockets to the driver would never close
            os._exit(1)

        def process_manager_socket_message(self, nodes: Any, radio: Any, _: threading.Event) -> None:
            """Take a node's message; one of another version is refused, and the driver told, not left."""
            super().process_manager_socket_message(nodes, radio, threading.Event())

    try:
        settings = pickle.load(sys.stdin.buffer)
    except (EOFError, pickle.UnpicklingError):  # the driver was killed while it wrote them
        return
    EndingInterchange(**settings).start()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to the driver too, which decides
        signal.signal(number, signal.SIG_IGN)
    serve(int(sys.argv[1]))
