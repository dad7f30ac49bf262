"""Parsed TOML and JSON, checked for depth and size, and values shortened for errors.

Every file and option that holds plain values is parsed here: what is behind this meets no content that
is nested too deeply to walk, and no number too large to print.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

DEEPEST = 30
"""Most tables and lists inside one another; recipes have four."""
LARGEST = 2**63
"""Whole numbers are smaller than this, as in every file format written."""
TOO_LARGE = "expected whole numbers below 2^63, got a larger one"
LONGEST_VALUE = 120
"""Characters of a value that an error shows."""
LONGEST_LINE = 4000
"""Characters of an error's line; the longest list of names is far below."""


def shown(value: Any) -> str:
    """Return a value as an error shows it, shortened in the middle.

    Examples
    --------
    >>> shown("dense"), len(shown("x" * 5000))
    ("'dense'", 151)
    """
    try:
        return shortened(repr(value), LONGEST_VALUE)
    except (ValueError, RecursionError):  # a number of 5,000 digits, or nested too deeply
        return f"a {type(value).__name__} too large to print"


def shortened(text: str, longest: int) -> str:
    """Return text of at most this length, its middle counted, not shown.

    Examples
    --------
    >>> shortened("abcdefghij", 4)
    'ab… (6 characters left out) …ij'
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}… ({len(text) - 2 * half:,} characters left out) …{text[-half:]}"


def one_line(text: str) -> str:
    """Return an error's message as one line of printable characters, long words shortened.

    Examples
    --------
    >>> one_line("name:\\nexpected a name")
    'name: expected a name'
    """
    words = (shortened(word, 2 * LONGEST_VALUE) for word in text.split())
    printable = (c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(words))
    return shortened("".join(printable), LONGEST_LINE)


def parse_toml(text: str) -> dict[str, Any]:
    """Return a TOML document's content.

    Raises
    ------
    ValueError
        If it is not TOML, nested too deeply, or holds a number too large.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads at most 4,300 digits
        raise ValueError(TOO_LARGE) from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    check_plain(content)
    return content


def parse_json(text: str) -> Any:
    """Return a JSON document's content.

    Raises
    ------
    ValueError
        If it is not JSON, nested too deeply, or holds a number too large.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        raise ValueError(TOO_LARGE) from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    check_plain(content)
    return content


HARMLESS = frozenset({str, float, bool, type(None)})
"""Types of values that are neither nested nor too large."""


def check_plain(content: Any) -> None:
    """Raise a `ValueError` about content nested too deeply, or a number too large."""
    level = [content]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for value in level:
            if type(value) in HARMLESS:
                continue
            if isinstance(value, int) and not -LARGEST <= value < LARGEST:
                raise ValueError(f"{TOO_LARGE}: {shown(value)}")
            if isinstance(value, Mapping):
                inner += value.values()
            elif isinstance(value, list | tuple):
                inner += value
        if not inner:
            return
        level = inner
    raise ValueError(_too_deep())


def _too_deep() -> str:
    return f"expected at most {DEEPEST} tables and lists inside one another, got more"
