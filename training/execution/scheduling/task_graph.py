"""Tasks that wait for one another: which are ready, which run, which have ended."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class TaskGraph(Generic[Key]):
    """Waiting, ready and running tasks, by key.

    A task is ready once all that it waits for have ended, in whatever way. Ready tasks come in the order in
    which they were added.

    Examples
    --------
    >>> graph = TaskGraph()
    >>> graph.add("dense")
    >>> graph.add("ticket", after=["dense"])
    >>> graph.ready()
    ['dense']
    >>> graph.start("dense")
    >>> graph.end("dense")
    >>> graph.ready()
    ['ticket']
    """

    def __init__(self) -> None:
        self.running: set[Key] = set()
        self._place: dict[Key, int] = {}
        """Of every task that has not ended: when it was added."""
        self._n_added = 0
        self._waits_for: dict[Key, set[Key]] = {}
        self._dependents: dict[Key, list[Key]] = {}
        self._ready: dict[Key, None] = {}
        self._heap: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return len(self._place)

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def add(self, key: Key, after: Iterable[Key] = ()) -> None:
        """Add a task that waits for others; those that are not in the graph have ended."""
        assert key not in self._place
        self._place[key] = self._n_added
        self._n_added += 1
        sources = {source for source in after if source in self._place}
        for source in sources:
            self._dependents.setdefault(source, []).append(key)
        if sources:
            self._waits_for[key] = sources
        else:
            self._make_ready(key)

    def ready(self) -> list[Key]:
        """Return all ready tasks in order."""
        return sorted(self._ready, key=self._place.__getitem__)

    def first(self) -> Key | None:
        """Return the first ready task."""
        while self._heap and self._heap[0][1] not in self._ready:
            heapq.heappop(self._heap)
        return self._heap[0][1] if self._heap else None

    def start(self, key: Key) -> None:
        """Take a ready task as running."""
        del self._ready[key]
        self.running.add(key)

    def put_back(self, key: Key) -> None:
        """Make a running task ready again."""
        self.running.remove(key)
        self._make_ready(key)

    def end(self, key: Key) -> list[Key]:
        """Take a task as ended, and return those that are ready by that."""
        self.running.discard(key)
        self._ready.pop(key, None)
        del self._place[key]
        freed = []
        for dependent in self._dependents.pop(key, []):
            sources = self._waits_for.get(dependent)
            if sources is None:  # it was dropped
                continue
            sources.discard(key)
            if not sources:
                del self._waits_for[dependent]
                self._make_ready(dependent)
                freed.append(dependent)
        return freed

    def drop(self, key: Key) -> None:
        """Take out a task that does not run; what waits for it goes on waiting for the others only."""
        self._waits_for.pop(key, None)
        self.end(key)

    def fail(self, key: Key) -> list[Key]:
        """Take a task as failed, and take out all that wait for it; return those."""
        lost: dict[Key, None] = {}
        names = [key]
        for name in names:
            waiting = [other for other in self._dependents.get(name, []) if other in self._place]
            names += [other for other in waiting if other not in lost]
            lost |= dict.fromkeys(waiting)
        for name in lost:
            self._waits_for.pop(name, None)
            self._dependents.pop(name, None)
            del self._place[name]
        self._dependents.pop(key, None)
        self.end(key)
        return list(lost)

    def _make_ready(self, key: Key) -> None:
        self._ready[key] = None
        heapq.heappush(self._heap, (self._place[key], key))
