"""Limits of memory: checked before libraries are loaded, and recognised in errors."""

from __future__ import annotations

LEAST_ADDRESS_SPACE = 2**30
"""Bytes that a process must be allowed to map. With less, libraries crash or hang as they are loaded: under
800 MiB torch aborts, scipy waits for ever, and pyarrow calls sound files damaged."""

WORDS = (
    "allocate memory",
    "out of memory",
    "failed to map segment",  # of a library that is loaded
    "can't start new thread",
    "terminated abruptly",  # a process of a pool, killed by the system
)
"""Parts of the texts of errors that are raised where memory ran out."""
KINDS = (MemoryError, RuntimeError, ImportError, OSError)
"""Types of the errors that may say so."""


def address_space() -> int | None:
    """Return the bytes that this process may map (`ulimit -v`); None without a limit."""
    try:
        import resource
    except ImportError:  # not on this system
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def address_space_refusal(limit: int | None) -> str | None:
    """Return why a limit of the address space is too low, None if it is not.

    Examples
    --------
    >>> address_space_refusal(300 * 2**20)
    'address space: expected at least 1024 MiB, got a limit of 300 MiB; raise it by ulimit -v'
    >>> address_space_refusal(None)
    """
    if limit is None or limit >= LEAST_ADDRESS_SPACE:
        return None
    least, got = (f"{n >> 20} MiB" for n in (LEAST_ADDRESS_SPACE, limit))
    return f"address space: expected at least {least}, got a limit of {got}; raise it by ulimit -v"


def memory_shortage(error: BaseException) -> str | None:
    """Return in one line that memory ran out, None for any other error.

    An error that was raised while such an error was handled counts too.

    Examples
    --------
    >>> memory_shortage(MemoryError())
    'not enough memory: none is left'
    >>> memory_shortage(RuntimeError("shapes differ"))
    """
    cause: BaseException | None = error
    while cause is not None:
        text = str(cause)
        is_short = isinstance(cause, KINDS) and any(words in text.lower() for words in WORDS)
        if isinstance(cause, MemoryError) or is_short:
            lines = [line.strip() for line in text.splitlines() if line.strip()] or ["none is left"]
            telling = [line for line in lines if any(words in line.lower() for words in WORDS)]
            return f"not enough memory: {(telling or lines)[0]}"
        cause = cause.__cause__ or cause.__context__
    return None
