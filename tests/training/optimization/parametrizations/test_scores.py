"""Trained scores over frozen weights: which weights they choose, and that nothing else moves."""

import numpy as np
import pytest
import torch
from builders import drawn_starts

from interp.masks.topk import keep_count, keep_top
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.mlp.architecture import MLP
from training.models.mlp.network import forward
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.optimization.parametrizations.scores import initial_scores
from training.tasks.dataset import Dataset
from training.tasks.modular import ModularTask

MODEL = EmbedMLP(d_emb=6, d_mlp=5)
SHAPES = MODEL.shapes(7, 7)
SIZES = [rows * columns for rows, columns in SHAPES.values()]
DENSITY = 0.4
ON_FEATURES = MLP(widths=(9,))
FEATURES = Dataset(
    inputs=np.random.default_rng(0).normal(size=(20, 3)),
    labels=np.random.default_rng(1).integers(0, 4, size=20),
    n_train=12,
)
EXACT = {"rtol": 0, "atol": 1e-12}
FORMS = [name for name, spec in PARAMETRIZATIONS.items() if spec.trains_scores]


def starts(n_arms=2, shapes=SHAPES):
    return drawn_starts(MODEL, shapes, n_arms)


def engine(kind, train_weights=False, n_arms=2, lr=0.05, model=MODEL):
    data = ModularTask(p=7, frac_train=0.7).build() if model is MODEL else FEATURES
    shapes = SHAPES if model is MODEL else model.shapes(3, 4)
    optimizer = AdamW(lr=lr, weight_decay=0.1)
    settings = ParametrizationSettings(
        name=kind, densities=[DENSITY] * n_arms, train_weights=train_weights, seeds=range(10, 10 + n_arms)
    )
    given = starts(n_arms, shapes), [None] * n_arms
    return Engine(model, optimizer, data, *given, parametrization=settings)


def flat(weights):
    return torch.cat([w.flatten() for w in weights.values()])


@pytest.mark.parametrize("kind", FORMS)
def test_frozen_weights_are_bit_identical_and_the_scores_are_not(kind):
    e = engine(kind)
    before, scores = e.parametrization.weights_rw.clone(), e.parametrization.trained[0].clone()
    e.run(20)
    e.evaluate()
    assert torch.equal(e.parametrization.weights_rw, before)
    assert torch.equal(before, torch.stack([flat(w) for w in starts()]))
    assert not torch.equal(e.parametrization.trained[0], scores)
    if kind != "biprop":
        chosen = e.weights_rw != 0
        assert torch.equal(e.weights_rw[chosen], before[chosen])


@pytest.mark.parametrize("kind", [name for name in FORMS if PARAMETRIZATIONS[name].takes_sparsity])
def test_every_layer_keeps_exactly_its_count_of_the_largest_scores(kind):
    e = engine(kind)
    e.run(15)
    e.evaluate()
    for row in range(2):
        pieces = e.parametrization.trained[0][row].abs().split(SIZES)
        for scores, weight in zip(pieces, e.weights.values(), strict=True):
            expected = keep_top(scores.numpy(), DENSITY)
            assert expected.sum() == keep_count(len(scores), DENSITY)
            np.testing.assert_array_equal((weight[row] != 0).flatten().numpy(), expected)


def test_biprop_is_a_sign_and_one_magnitude_per_layer():
    e = engine("biprop", n_arms=1)
    e.evaluate()
    for (name, weight), start in zip(e.weights.items(), starts(1)[0].values(), strict=True):
        is_kept = weight[0] != 0
        alpha = start[is_kept].abs().mean()
        torch.testing.assert_close(weight[0][is_kept], alpha * start[is_kept].sign(), msg=name)


def slow_gradient(e, row):
    """Return the gradient of the loss at the chosen weights, by autograd."""
    weights = {name: w[row].detach().clone().requires_grad_() for name, w in e.weights.items()}
    n = e.datasets[0].n_train
    outputs = forward(weights, torch.from_numpy(e.datasets[0].inputs[:n]))
    torch.nn.functional.cross_entropy(outputs, torch.from_numpy(e.datasets[0].labels[:n])).backward()
    return torch.cat([w.grad.flatten() for w in weights.values()])


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("train_weights", [False, True])
def test_gradients_equal_autograd_through_the_choice(kind, train_weights):
    # One layer on features: deeper down or on tokens, sums of ±α put neurons exactly at their kink.
    e = engine(kind, train_weights, model=ON_FEATURES)
    e.parametrization.write_weights(e.weights_rw, training=True)
    e.network.gradient(e.weights, e.grads)
    expected = [slow_gradient(e, row) for row in range(2)]
    values, mask = e.parametrization.kept_values().clone(), e.parametrization.mask_rw.clone()
    gradients = e.parametrization.trained_gradients(e.grads_rw)
    assert len(gradients) == 1 + train_weights
    s = e.parametrization.trained[0]
    slope = torch.sigmoid(s) * (1 - torch.sigmoid(s)) if kind == "supermask" else s.sign()
    for row in range(2):
        assert expected[row].abs().max() > 1e-3
        torch.testing.assert_close(gradients[0][row], expected[row] * values[row] * slope[row], **EXACT)
        if train_weights:
            torch.testing.assert_close(gradients[1][row], expected[row] * mask[row], **EXACT)


def test_descent_raises_scores_of_weights_that_lower_the_loss():
    """Descent raises |s| where keeping the weight lowers the loss."""
    e = engine("edge_popup", n_arms=1)
    e.parametrization.write_weights(e.weights_rw, training=True)
    e.network.gradient(e.weights, e.grads)
    benefit = -(
        e.grads_rw * e.parametrization.weights_rw
    )  # first-order fall of the loss by keeping the weight
    scores_grad = e.parametrization.trained_gradients(e.grads_rw.clone())[0]
    s = e.parametrization.trained[0]
    growth = (s - 1e-6 * scores_grad).abs() - s.abs()
    assert (s < 0).any() and torch.equal(growth.sign()[benefit != 0], benefit.sign()[benefit != 0])


def test_a_supermask_is_drawn_in_training_and_most_likely_in_evaluation():
    e = engine("supermask", n_arms=1)
    drawn = []
    for _ in range(200):
        e.parametrization.write_weights(e.weights_rw, training=True)
        drawn.append(e.weights_rw != 0)
    share = torch.stack(drawn).double().mean(0)
    chance = torch.sigmoid(e.parametrization.trained[0])
    assert (share - chance).abs().max() < 5 * 0.5 / np.sqrt(200)
    e.evaluate()
    assert torch.equal(e.weights_rw != 0, e.parametrization.trained[0] > 0)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("train_weights", [False, True])
def test_saved_and_resumed_equals_uninterrupted(kind, train_weights):
    uninterrupted, begun, resumed = (engine(kind, train_weights) for _ in range(3))
    uninterrupted.run(12)
    begun.run(5)
    for row in range(2):
        resumed.restore(row, begun.arm_state(row))
    if not train_weights:
        assert torch.equal(resumed.parametrization.weights_rw, uninterrupted.parametrization.weights_rw)
    resumed.run(7)
    np.testing.assert_array_equal(resumed.evaluate(), uninterrupted.evaluate())
    assert torch.equal(resumed.weights_rw, uninterrupted.weights_rw)


@pytest.mark.parametrize("kind", FORMS)
def test_an_arm_continues_alone(kind):
    together, alone = engine(kind), engine(kind)
    together.run(4)
    together.keep([1])
    together.run(4)
    alone.run(8)
    torch.testing.assert_close(
        together.parametrization.trained[0][0], alone.parametrization.trained[0][1], rtol=0, atol=1e-9
    )


def test_initial_scores_depend_on_the_seed_only():
    a, b, c = (initial_scores(SHAPES, seed) for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    for (rows, _), piece in zip(SHAPES.values(), a.split(SIZES), strict=True):
        assert piece.abs().max() <= 1 / np.sqrt(rows)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("train_weights", [False, True])
def test_arms_of_unlike_density_and_a_refilled_one_are_as_alone(kind, train_weights):
    densities, seeds, data = (0.2, 0.7, 0.4), (10, 11, 12), ModularTask(p=7, frac_train=0.7).build()
    optimizer, weights = AdamW(lr=0.05, weight_decay=0.1), starts(3)

    def settings_of(*arms):
        chosen = [densities[arm] for arm in arms], [seeds[arm] for arm in arms]
        return ParametrizationSettings(
            name=kind, densities=chosen[0], train_weights=train_weights, seeds=chosen[1]
        )

    together = Engine(MODEL, optimizer, data, weights[:2], [None] * 2, parametrization=settings_of(0, 1))
    rows = [*together.parametrization.trained, *together.parametrization.frozen]
    addresses = [t.data_ptr() for t in [*rows, together.parametrization.mask_rw]]
    together.run(4)
    together.refill(0, optimizer, data, weights[2], None, settings_of(2))
    together.run(5)
    assert addresses == [t.data_ptr() for t in [*rows, together.parametrization.mask_rw]]
    for slot, arm, n_steps in ((0, 2, 5), (1, 1, 9)):
        alone = Engine(MODEL, optimizer, data, [weights[arm]], [None], parametrization=settings_of(arm))
        alone.run(n_steps)
        np.testing.assert_array_equal(alone.evaluate()[0], together.evaluate()[slot])
        assert torch.equal(alone.parametrization.trained[0][0], together.parametrization.trained[0][slot])
        assert torch.equal(alone.weights_rw[0], together.weights_rw[slot])
