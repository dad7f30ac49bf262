"""Reader of IDX files, the format of MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

GZIP = b"\x1f\x8b"
UBYTE = 0x08


def read_idx(path: Path) -> UInt8[np.ndarray, "*shape"]:
    """Return the array in an IDX file of unsigned bytes.

    The file is plain or gzipped, which its first bytes show.

    Parameters
    ----------
    path : Path
        Two zero bytes, a byte 8 for unsigned bytes, the number of dimensions, each dimension in four bytes
        with the highest first, then the values, the last dimension running fastest.

    Raises
    ------
    ValueError
        If the file is not of this kind, or holds fewer or more values than its dimensions say.
    OSError
        If it cannot be read.

    References
    ----------
    .. [1] LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (the format, at the page's end).
    """
    content = path.read_bytes()
    if content.startswith(GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"expected a whole gzip file, got {path.name}: {error}") from None
    if len(content) < 4 or content[:3] != bytes([0, 0, UBYTE]) or content[3] == 0:
        magic = content[:4].hex(" ") or "nothing"
        raise ValueError(f"expected an IDX file of unsigned bytes (00 00 08 …), got {path.name}: {magic}")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"expected {content[3]} dimensions, got {path.name}, which ends within them")
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    n_values = len(content) - start
    if n_values != math.prod(shape):
        size = " × ".join(map(str, shape))
        raise ValueError(f"expected {size} = {math.prod(shape)} values, got {path.name}: {n_values}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
