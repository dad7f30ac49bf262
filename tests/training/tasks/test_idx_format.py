"""IDX files: written byte by byte, read back, damaged."""

import gzip
import struct

import numpy as np
import pytest

from training.tasks.idx_format import read_idx


def idx(array):
    """Return the bytes of an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 28, 28), (0, 3), (300, 1, 2, 1)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_written_arrays_are_read_back(tmp_path, shape, pack):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    (tmp_path / "file").write_bytes(pack(idx(array)))
    np.testing.assert_array_equal(read_idx(tmp_path / "file"), array)


def test_arrays_are_read_in_row_major_order(tmp_path):
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22])
    (tmp_path / "file").write_bytes(content)
    assert read_idx(tmp_path / "file").tolist() == [[10, 11, 12], [20, 21, 22]]


SOUND = idx(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"expected an IDX file of unsigned bytes \(00 00 08 …\), got images: nothing$"),
        (b"\x00\x00\x08", "expected an IDX file .* got images: 00 00 08$"),
        (b"<html>no such page", "expected an IDX file .* got images: 3c 68 74 6d$"),
        (b"\x00\x00\x0d" + SOUND[3:], "expected an IDX file .* got images: 00 00 0d 02$"),
        (b"\x00\x00\x08\x00", "expected an IDX file .* got images: 00 00 08 00$"),
        (SOUND[:9], "expected 2 dimensions, got images, which ends within them$"),
        (SOUND[:-1], "expected 2 × 3 = 6 values, got images: 5$"),
        (SOUND + b"\x07", "expected 2 × 3 = 6 values, got images: 7$"),
        (idx(np.arange(3, dtype=np.uint8)).replace(b"\x00\x00\x00\x03", b"\xff" * 4), "= 4294967295 values"),
        (gzip.compress(SOUND, mtime=0)[:-9], "expected a whole gzip file, got images: "),
        (gzip.compress(SOUND, mtime=0)[:10], "expected a whole gzip file, got images: "),
        (b"\x1f\x8b" + SOUND, "expected a whole gzip file, got images: "),
        (gzip.compress(SOUND, mtime=0)[:-5] + b"\x00" * 5, "expected a whole gzip file, got images: "),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content, message):
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "images")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
