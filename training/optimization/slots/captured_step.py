"""Steps that a device runs from one CUDA graph, without work of the host per kernel."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Protocol, runtime_checkable

import torch

N_WARM_UP = 3
"""Steps before the capture, in which kernels are compiled and libraries take their memory."""

Step = Callable[[], object]


@runtime_checkable
class Graphs(Protocol):
    """Warm-up and capture of a step."""

    def warm_up(self, step: Step) -> None:
        """Run a step for real."""

    def capture(self, step: Step) -> Step:
        """Record the kernels of a step without running them; return the function that runs them."""


class CudaGraphs:
    """Graphs of a CUDA device.

    Parameters
    ----------
    device : torch.device
        The step's device.
    """

    def __init__(self, device: torch.device):
        self.device = device

    def warm_up(self, step: Step) -> None:
        """Run a step on a side stream, between the work queued before and after it."""
        current, side = torch.cuda.current_stream(self.device), torch.cuda.Stream(self.device)
        side.wait_stream(current)
        with torch.cuda.stream(side):
            step()
        current.wait_stream(side)

    def capture(self, step: Step) -> Step:
        """Record a step; other threads may copy from the device meanwhile."""
        graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream(self.device)
        recording = torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local")
        with torch.cuda.device(self.device), recording:
            step()
        return graph.replay


class CapturedStep:
    """A step that is captured once, then replayed; elsewhere than on CUDA, or if that fails, run as it is.

    Lack of memory is no failure of the capture: it is raised.

    The first `N_WARM_UP` steps are run for real before the capture, and the capture runs nothing. So n calls
    change the state as n plain steps do.

    Parameters
    ----------
    step : callable
        Changes tensors in place. It takes no number that changes from the host, reads none there, and its
        tensors stay where they are. Python code in it is run while warming up and once more by the capture.
    device : torch.device
        The device of the step.
    capturable : bool
        False for a step that draws random numbers: a graph would draw the numbers of its capture.
    graphs : Graphs, optional
        By default those of CUDA, none on other devices.
    report : callable, optional
        Takes one line if the capture fails; by default it goes to stderr, once per process and reason.

    Examples
    --------
    >>> x = torch.zeros(2)
    >>> step = CapturedStep(lambda: x.add_(1), torch.device("cpu"))
    >>> step.replay(3)
    >>> x.tolist(), step.reason
    ([3.0, 3.0], 'device is cpu')
    """

    def __init__(
        self,
        step: Step,
        device: torch.device,
        *,
        capturable: bool = True,
        graphs: Graphs | None = None,
        report: Callable[[str], object] | None = None,
    ):
        self.step = step
        self._report = report or _print_once
        self._graphs: Graphs | None = None
        self._replay_one: Step | None = None
        self._warm_ups_left = 0
        self.reason = ""
        """Reason that steps are not captured; empty where they are, or will be."""
        if graphs is None and device.type != "cuda":
            self.reason = f"device is {device.type}"
        elif not capturable:
            self.reason = "the step draws random numbers"
        else:
            self._graphs, self._warm_ups_left = graphs or CudaGraphs(device), N_WARM_UP

    @property
    def is_captured(self) -> bool:
        """True once the step has been captured."""
        return self._replay_one is not None

    def replay(self, n_steps: int) -> None:
        """Take steps; nothing here waits for the device, the first capture excepted."""
        if self._graphs is not None:
            n_warm_ups = min(n_steps, self._warm_ups_left)
            for _ in range(n_warm_ups):
                self._graphs.warm_up(self.step)
            self._warm_ups_left -= n_warm_ups
            n_steps -= n_warm_ups
            if n_steps > 0:
                self._capture()
        step = self._replay_one or self.step
        for _ in range(n_steps):
            step()

    def _capture(self) -> None:
        """Capture the step; this is tried once."""
        graphs, self._graphs = self._graphs, None
        assert graphs is not None
        try:
            self._replay_one = graphs.capture(self.step)
        except torch.OutOfMemoryError:  # the caller takes fewer slots
            raise
        except RuntimeError as error:
            self.reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            self._report(f"no CUDA graph, steps are run one kernel after another: {self.reason}")


@cache
def _print_once(line: str) -> None:
    print(line, file=sys.stderr)
