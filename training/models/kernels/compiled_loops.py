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
from typing import Any, TypeVar

import numba
import numpy as np

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
        plain: Any = inspect.unwrap(loop)  # without a type checker's wrapper
        njit: Any = numba.njit
        options: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": set(flags)}
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


@compiled(flags={"contract"})
def _add_two(out_j, table_oj, first, second, weight_1, weight_2):
    """Add two weighted rows of a table."""
    for j in range(out_j.shape[0]):
        out_j[j] += weight_1 * table_oj[first, j] + weight_2 * table_oj[second, j]


@compiled(flags={"contract"})
def _add_three(out_j, table_oj, first, second, third, weight_1, weight_2, weight_3):
    for j in range(out_j.shape[0]):
        two = weight_1 * table_oj[first, j] + weight_2 * table_oj[second, j]
        out_j[j] += two + weight_3 * table_oj[third, j]


@compiled(flags={"reassoc", "nsz", "contract"})
def _dot_and_add(grad_j, table_oj, table_grad_oj, row, weight):
    """Return grad · row, and add weight · grad to the row's gradient."""
    total = ZERO
    for j in range(grad_j.shape[0]):
        total += grad_j[j] * table_oj[row, j]
        table_grad_oj[row, j] += weight * grad_j[j]
    return total


@compiled(flags={"reassoc", "nsz", "contract"})
def _dot_and_add_two(grad_j, table_oj, table_grad_oj, first, second, weight_1, weight_2):
    """Return the results of two different rows."""
    total_1, total_2 = ZERO, ZERO
    for j in range(grad_j.shape[0]):
        grad = grad_j[j]
        total_1 += grad * table_oj[first, j]
        total_2 += grad * table_oj[second, j]
        table_grad_oj[first, j] += weight_1 * grad
        table_grad_oj[second, j] += weight_2 * grad
    return total_1, total_2


@compiled()
def _softmax_of_pairs(score_hq, scale, place_nt, last_n, n_places, softmax_nth):
    n, n_positions, n_heads = softmax_nth.shape
    for i in range(n):
        first = last_n[i] * n_places
        for h in range(n_heads):
            highest = score_hq[h, first + place_nt[i, 0]]
            for t in range(1, n_positions):
                score = score_hq[h, first + place_nt[i, t]]
                highest = score if score > highest else highest
            for t in range(n_positions):
                softmax_nth[i, t, h] = scale * (score_hq[h, first + place_nt[i, t]] - highest)
    _exp_(softmax_nth.reshape(-1))
    for i in range(n):
        for h in range(n_heads):
            total = ZERO
            for t in range(n_positions):
                total += softmax_nth[i, t, h]
            for t in range(n_positions):
                softmax_nth[i, t, h] /= total


@compiled(
    "void(f4[:, ::1], f4[:, ::1], f4, f4, i8, i8[:, ::1], i8[::1], i8[::1],"
    " f4[:, :, ::1], f4[:, ::1], f4[:, ::1])"
)
def attend(
    score_hq, reads_oj, scale, rate, n_places, place_nt, last_n, order_n, softmax_nth, hidden_nm, direct_np
):
    """Write each pair's softmax, neurons after the ReLU, and direct part of the logits."""
    n_heads, n_positions, m = score_hq.shape[0], place_nt.shape[1], hidden_nm.shape[1]
    _softmax_of_pairs(score_hq, scale, place_nt, last_n, n_places, softmax_nth)
    read = np.empty(reads_oj.shape[1], np.float32)
    for i in order_n:
        last = n_heads * n_places + last_n[i]
        for j in range(read.shape[0]):
            read[j] = reads_oj[last, j]
        for h in range(n_heads):
            first, second = h * n_places + place_nt[i, 0], h * n_places + place_nt[i, 1]
            weight_1 = rate * softmax_nth[i, 0, h] + (ONE - rate)
            weight_2 = rate * softmax_nth[i, 1, h] + (ONE - rate)
            if n_positions == 2:
                _add_two(read, reads_oj, first, second, weight_1, weight_2)
            else:
                third, weight_3 = h * n_places + place_nt[i, 2], rate * softmax_nth[i, 2, h] + (ONE - rate)
                _add_three(read, reads_oj, first, second, third, weight_1, weight_2, weight_3)
        hidden, neurons = hidden_nm[i], read[:m]
        for j in range(m):
            hidden[j] = ZERO if neurons[j] < ZERO else neurons[j]
        direct, logits = direct_np[i], read[m:]
        for j in range(direct.shape[0]):
            direct[j] = logits[j]


@compiled(
    "void(f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4, f4, i8, i8[:, ::1], i8[::1], i8[::1],"
    " f4[:, :, ::1], f4[:, ::1], f4[:, ::1])"
)
def attend_backward(
    hidden_grad_nm,
    hidden_nm,
    error_np,
    reads_oj,
    scale,
    rate,
    n_places,
    place_nt,
    last_n,
    order_n,
    softmax_nth,
    score_grad_hq,
    reads_grad_oj,
):
    """Write the gradients of scores and of the stream's table from those of neurons and logits."""
    n_heads, n_positions, m = score_grad_hq.shape[0], place_nt.shape[1], hidden_nm.shape[1]
    score_grad_hq[:], reads_grad_oj[:] = ZERO, ZERO
    grad = np.zeros(reads_oj.shape[1], np.float32)
    dots = np.empty(n_positions, np.float32)
    for i in order_n:
        for j in range(m):
            grad[j] = hidden_grad_nm[i, j] if hidden_nm[i, j] > ZERO else ZERO
        error, logit_grad = error_np[i], grad[m:]
        for j in range(error.shape[0]):
            logit_grad[j] = error[j]
        last = n_heads * n_places + last_n[i]
        for j in range(grad.shape[0]):
            reads_grad_oj[last, j] += grad[j]
        for h in range(n_heads):
            first, second = h * n_places + place_nt[i, 0], h * n_places + place_nt[i, 1]
            weight_1 = rate * softmax_nth[i, 0, h] + (ONE - rate)
            weight_2 = rate * softmax_nth[i, 1, h] + (ONE - rate)
            if first == second:
                dots[0] = _dot_and_add(grad, reads_oj, reads_grad_oj, first, weight_1 + weight_2)
                dots[1] = dots[0]
            else:
                dots[0], dots[1] = _dot_and_add_two(
                    grad, reads_oj, reads_grad_oj, first, second, weight_1, weight_2
                )
            if n_positions == 3:
                third, weight_3 = h * n_places + place_nt[i, 2], rate * softmax_nth[i, 2, h] + (ONE - rate)
                dots[2] = _dot_and_add(grad, reads_oj, reads_grad_oj, third, weight_3)
            mean = ZERO
            for t in range(n_positions):
                mean += softmax_nth[i, t, h] * dots[t]
            for t in range(n_positions):
                change = scale * rate * softmax_nth[i, t, h] * (dots[t] - mean)
                score_grad_hq[h, last_n[i] * n_places + place_nt[i, t]] += change
