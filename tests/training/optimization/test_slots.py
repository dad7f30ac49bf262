"""Slots of an engine: an arm's bits are those that it has alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.config.recipe_files import read_recipe
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.network import Network
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.engine import Engine
from training.optimization.optimizers import SGD, AdamW
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.schema.validation import ConfigError
from training.tasks.modular import ModularTask

SETTING = read_recipe("modadd_fast", quick=True)[0].setting("dense")
OPTIMIZERS = (
    AdamW(lr=0.01),
    AdamW(lr=0.003, weight_decay=0.1, betas=(0.8, 0.999)),
    AdamW(lr=0.02, warmup_steps=7, eps=1e-6),
)


def settings_of(form, seeds):
    scored = form != "weights" and PARAMETRIZATIONS[form].trains_scores
    densities = [(0.3, 0.6, 0.45, 0.8)[seed % 4] for seed in seeds] if scored else ()
    return ParametrizationSettings(name=form, seeds=seeds if scored else (), densities=densities)


def mask_of(seed):
    """Return a mask of every matrix, None for even seeds."""
    if seed % 2 == 0:
        return None
    draw = np.random.default_rng(seed)
    return {name: draw.random(shape) < 0.5 for name, shape in SETTING.shapes().items()}


def engine_of(seeds, optimizers, form="weights", masked=True):
    masks = [mask_of(seed) if masked else None for seed in seeds]
    starts = [SETTING.initial_weights(seed) for seed in seeds]
    return Engine(
        SETTING.model,
        optimizers,
        SETTING.examples(),
        starts,
        masks,
        parametrization=settings_of(form, seeds),
        takes_masks=masked,
    )


def refill(engine, slot, seed, optimizer, form="weights", masked=True):
    engine.refill(
        slot,
        optimizer,
        SETTING.examples(),
        SETTING.initial_weights(seed),
        mask_of(seed) if masked else None,
        settings_of(form, [seed]),
    )


def alone(seed, optimizer, steps, form, masked):
    """Return the weights, metrics and state of an arm trained alone."""
    engine = engine_of([seed], optimizer, form, masked)
    engine.run(steps)
    return engine.evaluate()[0], engine.arm_weights(0), engine.arm_state(0)


def assert_equal_to_alone(engine, slot, seed, optimizer, steps, form, masked):
    values, weights, state = alone(seed, optimizer, steps, form, masked)
    np.testing.assert_array_equal(engine.evaluate()[slot], values)
    for name, w in engine.arm_weights(slot).items():
        np.testing.assert_array_equal(w, weights[name])
    actual = engine.arm_state(slot)
    assert actual.keys() == state.keys() and actual["step"] == state["step"] == steps
    for name in ("trained", *engine.optimizer_state):
        assert all(map(torch.equal, actual[name], state[name]))


@pytest.mark.parametrize("form", PARAMETRIZATIONS)
def test_refilled_late_and_undisturbed_arms_end_as_alone(form):
    masked = not (form != "weights" and PARAMETRIZATIONS[form].trains_scores)
    if form == "tangent":
        masked = True
    engine = engine_of([0, 1, 2], OPTIMIZERS, form, masked)
    engine.release(2)
    engine.run(6)
    pointers = [t.data_ptr() for t in (*engine.parametrization.trained, engine.weights_rw)]
    refill(engine, 0, 3, OPTIMIZERS[2], form, masked)
    refill(engine, 2, 4, OPTIMIZERS[0], form, masked)
    engine.run(5)
    assert pointers == [t.data_ptr() for t in (*engine.parametrization.trained, engine.weights_rw)]
    assert engine.ages == [5, 11, 5]
    for slot, seed, optimizer in ((0, 3, 2), (1, 1, 1), (2, 4, 0)):
        assert_equal_to_alone(engine, slot, seed, OPTIMIZERS[optimizer], engine.ages[slot], form, masked)


def test_an_empty_slot_stays_as_it_is():
    engine = engine_of([0, 1], OPTIMIZERS[:2])
    engine.run(3)
    engine.release(0)
    before = engine.arm_state(0)
    engine.run(4)
    after = engine.arm_state(0)
    assert after["step"] == before["step"] == 3 and engine.ages == [3, 7]
    assert all(torch.equal(after[name][0], before[name][0]) for name in ("trained", "mean", "square"))


def test_a_saved_arm_goes_on_in_another_slot():
    engine = engine_of([0, 1], OPTIMIZERS[:2])
    engine.run(5)
    state = engine.arm_state(1)
    other = engine_of([2, 4, 6], OPTIMIZERS)
    other.run(3)
    refill(other, 2, 1, OPTIMIZERS[1])
    other.restore(2, state)
    other.run(4)
    assert_equal_to_alone(other, 2, 1, OPTIMIZERS[1], 9, "weights", True)


def test_slots_are_added_and_dropped():
    engine = engine_of([0, 1, 2], OPTIMIZERS)
    engine.run(4)
    engine.keep([2, 1], 5)
    assert engine.ages[:2] == [4, 4] and engine.is_live == [True, True, False, False, False]
    refill(engine, 4, 3, OPTIMIZERS[1])
    engine.run(3)
    for slot, seed, optimizer, steps in ((0, 2, 2, 7), (1, 1, 1, 7), (4, 3, 1, 3)):
        assert_equal_to_alone(engine, slot, seed, OPTIMIZERS[optimizer], steps, "weights", True)


def test_a_detached_snapshot_stays_while_the_engine_trains_on():
    engine = engine_of([0, 1], OPTIMIZERS[:2])
    engine.run(3)
    expected = alone(1, OPTIMIZERS[1], 3, "weights", True)
    snapshots = [engine.measured_snapshot(is_detached=True, wanted=slots) for slots in ([], [0, 1])]
    engine.run(2)
    for snapshot in snapshots:
        np.testing.assert_array_equal(snapshot.metrics()[1], expected[0])
        for name, w in snapshot.arm_weights(1).items():
            np.testing.assert_array_equal(w, expected[1][name])
    assert torch.equal(snapshot.arm_state(1)["mean"][0], expected[2]["mean"][0])


def test_sgd_arms_have_rates_of_their_own():
    optimizers = [SGD(lr=0.5), SGD(lr=0.1, weight_decay=0.01)]
    engine = engine_of([0, 2], optimizers, masked=False)
    engine.run(4)
    for slot, seed in enumerate((0, 2)):
        assert_equal_to_alone(engine, slot, seed, optimizers[slot], 4, "weights", False)


def test_the_update_of_one_arm_is_not_that_of_another():
    """The equality above would not hold if settings were mixed up."""
    same = alone(1, OPTIMIZERS[0], 5, "weights", True)[1]
    other = alone(1, replace(OPTIMIZERS[0], weight_decay=0.9), 5, "weights", True)[1]
    assert any((same[name] != other[name]).any() for name in same)


MODELS_OF_PAIRS = {
    "embed_mlp": EmbedMLP(d_emb=6, d_mlp=5),
    "one_hot_mlp": OneHotMLP(d_mlp=5),
    "transformer": Transformer(d_model=8, n_heads=2, d_head=4, d_mlp=6, positions=True, equals=True),
}


@pytest.mark.parametrize("model", MODELS_OF_PAIRS)
@pytest.mark.parametrize("form", ["weights", "edge_popup"])
def test_arms_of_unlike_splits_share_a_batch(model, form):
    network, tasks = MODELS_OF_PAIRS[model], [ModularTask(p=7, split_seed=seed) for seed in range(4)]
    rule = AdamW(lr=0.01)
    data = [task.build().unordered() if network.symmetric else task.build() for task in tasks]
    starts = [network.initial_weights(network.shapes(7, 7), seed) for seed in range(4)]
    together = Engine(
        network, rule, data[:3], starts[:3], [None] * 3, parametrization=settings_of(form, [0, 1, 2])
    )
    together.run(5)
    together.refill(1, rule, data[3], starts[3], None, settings_of(form, [3]))
    together.run(5)
    for slot, arm, steps in ((0, 0, 10), (1, 3, 5), (2, 2, 10)):
        alone = Engine(
            network, rule, data[arm], [starts[arm]], [None], parametrization=settings_of(form, [arm])
        )
        alone.run(steps)
        np.testing.assert_array_equal(together.evaluate()[slot], alone.evaluate()[0])
        assert torch.equal(together.weights_rw[slot], alone.weights_rw[0])
    other = Engine(network, rule, data[1], [starts[3]], [None], parametrization=settings_of(form, [3]))
    other.run(5)
    assert not torch.equal(together.weights_rw[1], other.weights_rw[0])


class OneDataSet(Network):
    """Network of a plug-in that knows one data set for all arms."""

    def __init__(self, problem):
        self.inputs = problem.inputs()

    def outputs(self, weights):
        return weights["W_E"]

    def gradient(self, weights, grads):
        """Leave the gradients."""


class PlugIn(EmbedMLP):
    def implementation(self):
        return replace(super().implementation(), fast_network=OneDataSet)


def test_a_network_of_one_data_set_is_refused_for_unlike_splits():
    model = PlugIn(d_emb=6, d_mlp=5)
    data = [ModularTask(p=7, split_seed=seed).build().unordered() for seed in range(2)]
    starts = [model.initial_weights(model.shapes(7, 7), seed) for seed in range(2)]
    Engine(model, AdamW(), data[0], starts, [None] * 2)
    with pytest.raises(ConfigError, match=r"^model.name: expected a network with replace_data, for arms of"):
        Engine(model, AdamW(), data, starts, [None] * 2)
