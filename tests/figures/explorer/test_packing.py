import numpy as np
import pytest

from figures.explorer.packing import packed, quantized, unpacked


def test_arrays_come_back():
    arrays = {
        "a": np.arange(-5, 4, dtype=np.int8).reshape(3, 3),
        "steps": np.array([0, 10, 70_000], dtype=np.int32),
        "x": np.linspace(0, 1, 7, dtype=np.float32),
        "empty": np.empty((0, 4), dtype=np.int16),
        "bits": np.packbits([1, 0, 1]),
    }
    got = unpacked(packed(arrays))
    assert got.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].shape == array.shape and got[name].dtype == array.dtype


def test_another_type_is_refused():
    with pytest.raises(ValueError, match=r"x: expected one of int8, .*got float64"):
        packed({"x": np.zeros(2)})


def test_eight_bits_are_half_a_step_away_at_most():
    values = np.random.default_rng(0).normal(size=(4, 5, 67))
    values[1, 2] = 0
    numbers, step = quantized(values)
    assert numbers.dtype == np.int8 and step.shape == (4, 5) and step[1, 2] == 0
    assert (np.abs(numbers * step[..., None].astype(float) - values) <= 0.5001 * step[..., None]).all()
    assert np.abs(numbers).max() == 127
