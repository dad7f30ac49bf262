"""Fused loops over one arm in float32, compiled by numba.

`fused` decides if they are used, and has torch's path beside each. All loops are in this one file, since
numba's cache on disk watches the file of a function and not those that it calls. Flags that let the compiler
reorder are set only on plain sums, dot products and maxima: NaN and infinity come out of every loop.

Shapes: n examples or pairs, p residues and classes, m columns, t positions, h heads, s places, l places of
the last position, o rows and j columns of the table of the stream.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., object])

LOG2_E = np.float32(math.log2(math.e))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
ROUNDER = np.float32(1.5 * 2**23)
"""Adding it to a small number rounds that to an integer, in the last bits of the sum."""
SMALLEST = np.float32(-87.3)
"""Below it exp is denormal, and taken as 0."""
C1, C2, C3 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
C4, C5, C6 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
ZERO, ONE = np.float32(0), np.float32(1)
BLOCK = 64
"""Examples whose logits stay in the nearest cache."""


def compiled(*signature: str, flags: Iterable[str] = ()) -> Callable[[Loop], Loop]:
    """Return a decorator that compiles a loop, with a signature at once.

    The cache on disk is used if there is a folder for it that can be written.
    """

    def decorate(loop: Loop) -> Loop:
        plain = inspect.unwrap(loop)  # without a type checker's wrapper
        options = {"error_model": "numpy", "nogil": True, "fastmath": set(flags)}
        try:
            return njit(*signature, cache=True, **options)(plain)
        except (RuntimeError, OSError):
            return njit(*signature, **options)(plain)

    return decorate


@compiled(flags={"contract"})
def _exp_(flat):
    """Replace each x ≤ 0 by exp(x), within 2 units in the last place (Cephes' polynomial)."""
    for j in range(flat.shape[0]):
        x = flat[j]
        shifted = x * LOG2_E + ROUNDER
        k = shifted - ROUNDER
        r = (x - k * LN2_HIGH) - k * LN2_LOW
        series = ((((C6 * r + C5) * r + C4) * r + C3) * r + C2) * r + C1
        power = np.int32((np.int64(np.float32(shifted).view(np.int32)) << 23) + (127 << 23)).view(np.float32)
        flat[j] = ZERO if x < SMALLEST else (series * (r * r) + r + ONE) * power


@compiled(flags={"reassoc", "nsz"})
def _sum(row):
    total = ZERO
    for j in range(row.shape[0]):
        total += row[j]
    return total


@compiled(flags={"nnan", "nsz"})
def _maximum(row):
    highest = row[0]
    for j in range(row.shape[0]):
        highest = row[j] if row[j] > highest else highest
    return highest


@compiled("void(f4[:, ::1], i8[::1], i8[::1], b1, f4[:, ::1])")
def add_rows(table_pm, a_n, b_n, rectify, out_nm):
    """Write T[a] + T[b] of each pair, its negative entries as 0 if `rectify`."""
    floor = ZERO if rectify else np.float32(-np.inf)
    for i in range(len(a_n)):
        first, second, out = table_pm[a_n[i]], table_pm[b_n[i]], out_nm[i]
        for j in range(out.shape[0]):
            total = first[j] + second[j]
            out[j] = floor if total < floor else total  # NaN stays


@compiled("void(f4[:, ::1], f4[:, ::1], i8[::1], i8[::1], f4[:, ::1])")
def sum_rows_where_positive(grad_nm, hidden_nm, a_n, b_n, table_pm):
    """Write each residue's sum of its pairs' gradients, where `hidden_nm` is positive."""
    table_pm[:] = ZERO
    for i in range(len(a_n)):
        grad, hidden = grad_nm[i], hidden_nm[i]
        first, second = table_pm[a_n[i]], table_pm[b_n[i]]
        if a_n[i] == b_n[i]:
            for j in range(grad.shape[0]):
                passed = grad[j] if hidden[j] > ZERO else ZERO
                first[j] += passed + passed
            continue
        for j in range(grad.shape[0]):
            passed = grad[j] if hidden[j] > ZERO else ZERO
            first[j] += passed
            second[j] += passed


@compiled("void(f4[:, ::1], i8[::1], f4[::1])")
def softmax_error(logits_np, label_n, share_n):
    """Turn logits into share · (softmax − one-hot), at the label minus the others' sum."""
    n, p = logits_np.shape
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(start, stop):
            row = logits_np[i]
            highest = _maximum(row)
            for j in range(p):
                row[j] -= highest
        _exp_(logits_np[start:stop].reshape(-1))
        for i in range(start, stop):
            row, label = logits_np[i], label_n[i]
            at_label = row[label]
            row[label] = ZERO
            others = _sum(row)
            scale = share_n[i] / (others + at_label)
            for j in range(p):
                row[j] *= scale
            row[label] = -others * scale


@compiled("void(f4[:, ::1], i8[::1], f8[::1], f8[::1])")
def margins(logits_np, label_n, highest_n, others_n):
    """Write each example's largest margin, and the sum of exp(margin − base).

    A margin is another class's logit less the label's; base is the largest margin or 0. Logits are
    overwritten.
    """
    n, p = logits_np.shape
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(start, stop):
            row, label = logits_np[i], label_n[i]
            at_label = row[label]
            row[label] = np.float32(-np.inf)
            highest = _maximum(row) - at_label
            base = highest if highest > ZERO else ZERO
            for j in range(p):
                row[j] = (row[j] - at_label) - base
            highest_n[i] = highest
        _exp_(logits_np[start:stop].reshape(-1))
        for i in range(start, stop):
            others = _sum(logits_np[i])
            others_n[i] = others
            if others != others:
                highest_n[i] = others  # NaN
