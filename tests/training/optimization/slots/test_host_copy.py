"""Copies to the host, with streams that run what is queued only when they are waited for."""

from contextlib import contextmanager

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from training.optimization.slots.host_copy import HostCopy


class QueuedCopies(TorchDispatchMode):
    """Hold copies back until they are waited for, as a device's copy engine may."""

    def __init__(self, log):
        super().__init__()
        self.log, self.waiting = log, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name != "aten::copy_":
            return func(*args, **(kwargs or {}))
        assert args[2:] == (True,) or kwargs == {"non_blocking": True}, "the host waits for the copy"
        self.waiting.append(args[:2])
        self.log.append("copy")
        return args[0]


class FakeStreams:
    def __init__(self):
        self.log, self.held, self.place = [], [], "here"
        self.copies = QueuedCopies(self.log)

    @contextmanager
    def aside(self):
        self.place = "aside"
        yield
        self.place = "here"

    def hold(self, tensor):
        self.held.append(tensor)

    def pinned(self, tensor):
        return torch.full_like(tensor, torch.nan)

    def event(self):
        queued, place = list(self.copies.waiting), self.place
        self.copies.waiting.clear()

        def wait():
            self.log.append(f"wait {place}")
            for target, source in queued:
                target.copy_(source)

        return wait


def started(tensors, streams, **options):
    with streams.copies:
        return HostCopy(tensors, streams=streams, **options)


def test_a_copy_is_only_queued_and_its_result_waits_for_it_once():
    streams, x, y = FakeStreams(), torch.arange(3.0), torch.ones(2, 2)
    copy = started([x, y], streams)
    assert streams.log == ["copy", "copy"]
    assert torch.equal(copy.result()[0], x) and torch.equal(copy.result()[1], y)
    assert streams.log == ["copy", "copy", "wait here"]


def test_a_copy_aside_has_the_values_of_its_start():
    streams, x = FakeStreams(), torch.arange(3.0)
    copy = started([x], streams, clone=True)
    x.zero_()
    assert copy.arrays()[0].tolist() == [0, 1, 2]
    assert streams.log == ["copy", "wait aside"]
    assert len(streams.held) == 1 and streams.held[0].data_ptr() != x.data_ptr()


def test_a_copy_that_is_not_taken_yet_is_not_overwritten_by_later_ones():
    streams, x = FakeStreams(), torch.zeros(2)
    copies = []
    for _ in range(4):
        copies.append(started([x], streams, clone=True))
        x.add_(1)
    assert [copy.arrays()[0][0] for copy in copies] == [0, 1, 2, 3]


def test_on_the_host_nothing_is_copied_unless_asked():
    x = torch.arange(3.0, requires_grad=True)
    same, copied = HostCopy([x]), HostCopy([x], clone=True)
    with torch.no_grad():
        x[0] = 7
    assert same.result()[0].data_ptr() == x.data_ptr()
    np.testing.assert_array_equal(same.arrays()[0], [7, 1, 2])
    np.testing.assert_array_equal(copied.arrays()[0], [0, 1, 2])


def test_no_tensors_give_no_arrays():
    assert HostCopy([]).arrays() == []
