"""Choice of each layer's largest scores: both ways equal a NumPy oracle, whatever ties and densities."""

import sys

import numpy as np
import pytest
import torch

from interp.masks.topk import keep_top
from training.optimization.parametrizations.layer_choice import (
    SelectedByLayer,
    SortedByLayer,
    keep_largest,
    layer_choice,
)

SIZES = [50, 1, 33, 7]
LIKE = [0.4, 0.4, 0.4]
UNLIKE = [0.05, 0.4, 1.0]
WAYS = [SelectedByLayer, SortedByLayer]
DENORMAL = 1e-40


def drawn(levels, dtype, n_arms=3):
    """Return scores of few levels, so with ties, among them both zeros and denormals."""
    generator = torch.Generator().manual_seed(levels)
    scores = torch.randint(-levels, levels + 1, (n_arms, sum(SIZES)), generator=generator).to(dtype)
    scores[:, ::5] *= DENORMAL
    scores[:, ::7] = -0.0
    return scores


def oracle(magnitudes_rw, densities):
    """Return the mask by `keep_top`, layer by layer and arm by arm."""
    rows = [
        np.concatenate([keep_top(layer.numpy(), density) for layer in row.split(SIZES)])
        for row, density in zip(magnitudes_rw, densities, strict=True)
    ]
    return torch.from_numpy(np.stack(rows)).to(magnitudes_rw)


def mask_of(choice, magnitudes_rw):
    mask_rw = torch.full_like(magnitudes_rw, torch.nan)
    choice.write_mask(magnitudes_rw, mask_rw)
    return mask_rw


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("densities", [LIKE, UNLIKE])
@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_the_largest_of_each_layer_are_kept_by_each_arms_density(way, dtype, densities, levels):
    magnitudes_rw = drawn(levels, dtype).abs()
    mask_rw = mask_of(way(SIZES, densities, magnitudes_rw), magnitudes_rw)
    assert torch.equal(mask_rw, oracle(magnitudes_rw, densities))


@pytest.mark.parametrize("flushes", [False, True])
def test_both_ways_agree_where_denormal_numbers_count_as_zero_and_where_not(flushes):
    sizes = [3000, 500]
    scores_rw = torch.randn(2, sum(sizes), generator=torch.Generator().manual_seed(0))
    scores_rw[:, ::2] *= DENORMAL
    flushed = sys.float_info.min * 0.5 == 0
    torch.set_flush_denormal(flushes)
    try:
        masks = [mask_of(way(sizes, [0.3, 0.8], scores_rw), scores_rw.abs()) for way in WAYS]
    finally:
        torch.set_flush_denormal(flushed)
    assert torch.equal(*masks) and masks[0].sum() == 0.3 * sum(sizes) + 0.8 * sum(sizes)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masks_and_means_on_a_gpu_are_those_of_the_cpu(dtype):
    scores_rw = torch.randint(-50, 51, (3, sum(SIZES)), generator=torch.Generator().manual_seed(0)).to(dtype)
    on_cpu, on_gpu = scores_rw, scores_rw.cuda()
    mask_rw, gpu_mask_rw = (
        mask_of(layer_choice(SIZES, UNLIKE, scores), scores.abs()) for scores in (on_cpu, on_gpu)
    )
    assert torch.equal(gpu_mask_rw.cpu(), mask_rw)
    means = layer_choice(SIZES, UNLIKE, on_gpu).kept_means(on_gpu, gpu_mask_rw)
    torch.testing.assert_close(means.cpu(), layer_choice(SIZES, UNLIKE, on_cpu).kept_means(on_cpu, mask_rw))


@pytest.mark.parametrize("way", WAYS)
def test_a_refilled_slot_has_its_new_density_and_the_others_keep_theirs(way):
    magnitudes_rw = drawn(1000, torch.float32).abs()
    choice = way(SIZES, LIKE, magnitudes_rw)
    choice.refill(1, 0.8)
    assert torch.equal(mask_of(choice, magnitudes_rw), oracle(magnitudes_rw, [0.4, 0.8, 0.4]))
    choice.keep_arms([1, 2])
    assert torch.equal(mask_of(choice, magnitudes_rw[1:]), oracle(magnitudes_rw[1:], [0.8, 0.4]))
    mean = choice.kept_means(magnitudes_rw[1:], mask_of(choice, magnitudes_rw[1:]))[0, 0]
    expected = np.sort(magnitudes_rw[1, : SIZES[0]].numpy())[-40:].mean()
    assert mean.item() == pytest.approx(expected, rel=1e-6)


def test_a_refill_moves_no_memory():
    choice = SortedByLayer(SIZES, LIKE, torch.empty(3, sum(SIZES)))
    tensors = [choice.counts_rl, choice.is_kept_place_rw]
    choice.refill(2, 0.8)
    assert choice.counts_rl is tensors[0] and choice.is_kept_place_rw is tensors[1]


@pytest.mark.parametrize("way", WAYS)
def test_kept_means_are_those_of_each_layer(way):
    values_rw = drawn(1000, torch.float64)
    choice = way(SIZES, UNLIKE, values_rw)
    mask_rw = mask_of(choice, values_rw.abs())
    for values, mask, means in zip(values_rw, mask_rw, choice.kept_means(values_rw, mask_rw), strict=True):
        for layer, is_kept, mean in zip(*(t.split(SIZES) for t in (values, mask, means)), strict=True):
            expected = layer[is_kept > 0].mean().expand_as(layer)
            torch.testing.assert_close(mean, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("device", "way"), [("cpu", SelectedByLayer), ("meta", SortedByLayer)])
def test_the_way_is_chosen_by_device(device, way):
    assert type(layer_choice(SIZES, LIKE, torch.empty(3, sum(SIZES), device=device))) is way


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("n_kept", [1, 20, 49, 50])
def test_the_largest_are_kept_with_ties_to_the_lower_index(levels, n_kept):
    scores = torch.randint(levels, (3, 50), generator=torch.Generator().manual_seed(n_kept)).double()
    is_kept = keep_largest(scores, n_kept)
    for row, kept_row in zip(scores, is_kept, strict=True):
        np.testing.assert_array_equal(kept_row, keep_top(row.numpy(), n_kept / 50))
