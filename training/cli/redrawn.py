"""Tables that are printed again and again on a terminal, as `watch` and `status --watch` do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

CLEAR = "\x1b[H\x1b[2J"
"""Text by which a terminal clears its screen."""


def print_until_finished(look: Callable[[], tuple[str, bool]], every: float, repeat: bool) -> None:
    """Print a text, again and again until what it shows is finished.

    Parameters
    ----------
    look : callable
        Returns the text, and whether what it shows is finished.
    every : float
        Seconds between two looks.
    repeat : bool
        False: print once.
    """
    while True:
        text, is_finished = look()
        if repeat and not is_finished:
            sys.stdout.write(CLEAR)
        print(text, flush=True)
        if not repeat or is_finished:
            return
        time.sleep(every)
