"""Copies of device tensors to the host, made while the device computes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor


@runtime_checkable
class Streams(Protocol):
    """Streams of a device, and the memory that it copies to by itself."""

    def aside(self) -> AbstractContextManager[None]:
        """Queue what follows after the work queued so far, beside the work queued later."""

    def hold(self, tensor: Tensor) -> None:
        """Keep a tensor's memory until the work queued aside is done."""

    def pinned(self, tensor: Tensor) -> Tensor:
        """Return an empty host tensor of this shape."""

    def event(self) -> Callable[[], None]:
        """Return a function that waits for the work queued so far, here or aside."""


class CudaStreams:
    """Streams of a CUDA device.

    Pinned memory is torch's: it is used again once no tensor holds it, and not before a copy to it has ended.
    """

    def __init__(self, device: torch.device):
        self.device, self.side = device, torch.cuda.Stream(device)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Queue on the side stream."""
        self.side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.side):
            yield

    def hold(self, tensor: Tensor) -> None:
        """Keep a tensor's memory until the side stream is done with it."""
        if tensor.is_cuda:
            tensor.record_stream(self.side)

    def pinned(self, tensor: Tensor) -> Tensor:
        """Return an empty tensor in page-locked memory."""
        return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)

    def event(self) -> Callable[[], None]:
        """Record an event on the current stream."""
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self.device))
        return event.synchronize


cuda_streams = cache(CudaStreams)


class HostCopy:
    """Values that tensors of a device have now, on the host once they have arrived.

    The copy starts here. It has the values of all work queued so far, whatever is queued later.

    Parameters
    ----------
    tensors : sequence of Tensor
        On the host or on one device.
    clone : bool
        On a device: copy there first, so that later work need not wait for the way to the host; for large
        tensors. On the host: copy; else `result` has the tensors themselves.
    streams : Streams, optional
        Of the device; by default those of CUDA, and a copy that waits on other devices.

    Examples
    --------
    >>> x = torch.ones(2)
    >>> copy = HostCopy([x], clone=True)
    >>> x = x.zero_()
    >>> copy.arrays()[0].tolist()
    [1.0, 1.0]
    """

    def __init__(self, tensors: Sequence[Tensor], clone: bool = False, streams: Streams | None = None):
        self._wait: Callable[[], None] | None = None
        device = next((t.device for t in tensors if t.device.type != "cpu"), torch.device("cpu"))
        if streams is None and device.type == "cuda":
            streams = cuda_streams(device)
        if streams is None:
            self._tensors = [_to_host(t, clone) for t in tensors]
        elif clone:
            clones = [t.detach().clone() for t in tensors]
            with streams.aside():
                self._start(clones, streams)
            for t in clones:
                streams.hold(t)
        else:
            self._start(tensors, streams)

    def _start(self, tensors: Sequence[Tensor], streams: Streams) -> None:
        self._tensors = [streams.pinned(t).copy_(t.detach(), non_blocking=True) for t in tensors]
        self._wait = streams.event()

    def result(self) -> list[Tensor]:
        """Return the values as host tensors, once they have arrived; later work is not waited for."""
        if self._wait is not None:
            self._wait()
            self._wait = None
        return self._tensors

    def arrays(self) -> list[np.ndarray]:
        """Return the values as NumPy arrays; see `result`."""
        return [t.numpy() for t in self.result()]


def _to_host(tensor: Tensor, clone: bool) -> Tensor:
    """Return a tensor's values on the host."""
    is_there = tensor.device.type == "cpu"
    return tensor.detach().clone() if is_there and clone else tensor.detach().cpu()
