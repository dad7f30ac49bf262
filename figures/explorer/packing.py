"""Arrays as compressed text that a page holds."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

TYPES = {"int8": "i1", "uint8": "u1", "int16": "<i2", "int32": "<i4", "float32": "<f4"}
"""Types that a page reads, by the name in its header."""
LEVELS = 127
"""Steps of 8 bits on either side of 0."""


def quantized(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values in 8 bits, and the size of a step for each row.

    Parameters
    ----------
    values : ndarray
        Finite numbers, (..., n).

    Returns
    -------
    tuple of ndarray
        Whole numbers from −127 to 127, int8 (..., n), and the step of each row, float32 (...): their product
        differs from the values by half a step at most.
    """
    largest = np.abs(values).max(axis=-1, initial=0)
    step = (largest / LEVELS).astype(np.float32)
    safe = np.where(step > 0, step, 1).astype(np.float64)
    return np.clip(np.rint(values / safe[..., None]), -LEVELS, LEVELS).astype(np.int8), step


def packed(arrays: Mapping[str, np.ndarray]) -> str:
    """Return arrays as base64 of gzip of a header and their bytes.

    The header is JSON, behind its length in 4 bytes: type, shape and place of each array by name. Places are
    multiples of 8 behind the header.

    Raises
    ------
    ValueError
        If an array's type is none of `TYPES`.
    """
    header: dict[str, Any] = {}
    content = bytearray()
    for name, array in arrays.items():
        if array.dtype.name not in TYPES:
            raise ValueError(f"{name}: expected one of {', '.join(TYPES)}, got {array.dtype.name}")
        content += bytes(-len(content) % 8)
        header[name] = [array.dtype.name, list(array.shape), len(content)]
        content += np.ascontiguousarray(array, dtype=TYPES[array.dtype.name]).tobytes()
    head = json.dumps(header).encode()
    head += b" " * (-(len(head) + 4) % 8)
    whole = len(head).to_bytes(4, "little") + head + bytes(content)
    return base64.b64encode(gzip.compress(whole, compresslevel=9, mtime=0)).decode()


def unpacked(text: str) -> dict[str, np.ndarray]:
    """Return the arrays of `packed`."""
    whole = gzip.decompress(base64.b64decode(text))
    start = 4 + int.from_bytes(whole[:4], "little")
    arrays = {}
    for name, (kind, shape, place) in json.loads(whole[4:start]).items():
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(whole, TYPES[kind], count, start + place).reshape(shape)
    return arrays
