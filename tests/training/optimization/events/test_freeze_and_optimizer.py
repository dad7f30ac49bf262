"""Frozen weights, and fields of the optimizer that change."""

import dataclasses

import numpy as np
import pytest
import torch

from training.optimization.events.freeze import Freeze
from training.optimization.events.set_optimizer import SetOptimizer
from training.optimization.optimizers import SGD, AdamW
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.optimization.slots import slot_settings

OPTIMIZERS = [
    AdamW(lr=0.01),
    AdamW(lr=0.01, warmup_steps=20, betas=(0.5, 0.7)),
    SGD(lr=0.1, weight_decay=0.5),
]


def equal(one, other):
    return all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_frozen_weight_and_its_moments_are_held(tiny, optimizer):
    engine = tiny.engine([Freeze(at=3, until=8, weights=("W_E", "W_out"))], optimizer=optimizer)
    engine.run(3)
    before, state = tiny.weights(engine), engine.arm_state(0)
    engine.run(5)
    after, later = tiny.weights(engine), engine.arm_state(0)
    for name in before:
        assert (before[name] == after[name]).all() == (name in ("W_E", "W_out"))
    held = engine.layout.spans(("W_E",))[0]
    for name in optimizer.state_names:
        assert torch.equal(state[name][0][held], later[name][0][held])
        assert not torch.equal(state[name][0], later[name][0])
    engine.run(1)
    assert (tiny.weights(engine)["W_E"] != after["W_E"]).all()


def test_a_zeroed_gradient_freezes_nothing_under_decay_whereas_the_event_does(tiny):
    engine = tiny.engine([], optimizer=AdamW(lr=0.01, weight_decay=1.0))
    (span,) = engine.layout.spans(("W_E",))
    gradients_of = engine.parametrization.trained_gradients

    def without_embedding(grads_rw):
        (gradient,) = gradients_of(grads_rw)
        gradient[:, span] = 0
        return [gradient]

    engine.parametrization.trained_gradients = without_embedding
    before = tiny.weights(engine)["W_E"]
    engine.run(20)
    np.testing.assert_allclose(tiny.weights(engine)["W_E"], before * 0.99**20, rtol=1e-5)

    engine = tiny.engine([Freeze(at=0, weights=("W_E",))])
    engine.run(20)
    np.testing.assert_array_equal(tiny.weights(engine)["W_E"], before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_all_weights_frozen_is_no_training(tiny, optimizer):
    engine = tiny.engine([Freeze(at=5)], optimizer=optimizer)
    engine.run(5)
    before = tiny.weights(engine)
    engine.run(7)
    assert equal(tiny.weights(engine), before)


@pytest.mark.parametrize("form", ["weights", "tangent", "edge_popup", "supermask"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_set_fields_are_those_of_an_optimizer_that_is_changed_by_hand(tiny, optimizer, form):
    changes = {"lr": 0.03, "weight_decay": 0.1, "betas": (0.7, 0.99)}
    engine = tiny.engine([SetOptimizer(at=4, until=9, **changes)], optimizer=optimizer, form=form)
    engine.run(12)
    oracle = tiny.engine([], optimizer=optimizer, form=form)
    for n_steps, settings in ((4, {}), (5, changes), (3, {})):
        oracle.set_optimizer(0, dataclasses.replace(optimizer, **settings))
        oracle.run(n_steps)
    unchanged = tiny.engine([], optimizer=optimizer, form=form)
    unchanged.run(12)
    trained, expected, other = (e.arm_state(0)["trained"] for e in (engine, oracle, unchanged))
    assert all(map(torch.equal, trained, expected))
    assert not any(map(torch.equal, trained, other))


def test_a_batch_of_arms_gives_each_the_bits_that_it_has_alone(tiny):
    events = [
        [Freeze(at=2, until=7, weights=("W_in",))],
        [],
        [SetOptimizer(at=3, weight_decay=0.0), Freeze(at=5, weights=("W_E",))],
        [Freeze(at=0, until=1), SetOptimizer(at=5, lr=0.002, until=6)],
    ]
    together = tiny.engine(*events)
    for n_steps in (1, 4, 5):
        together.run(n_steps)
    for slot, of_arm in enumerate(events):
        alone = tiny.engine(*[of_arm if i == slot else [] for i in range(len(events))])
        alone.keep([slot])
        alone.run(10)
        assert equal(tiny.weights(together, slot), tiny.weights(alone))


def test_slots_are_dropped_refilled_and_released_with_their_events(tiny):
    frozen = [Freeze(at=0)]
    engine = tiny.engine([], frozen, frozen, [])
    engine.run(2)
    engine.keep([1, 3], n_slots=3)
    start = tiny.weights(engine, 0)
    engine.refill(
        1,
        AdamW(lr=0.01),
        tiny.setting.examples(),
        tiny.setting.initial_weights(7),
        None,
        ParametrizationSettings(),
    )
    engine.run(2)
    assert equal(tiny.weights(engine, 0), start)
    moved = tiny.weights(engine, 1)
    engine.release(0)
    engine.run(1)
    assert not engine.events and not engine.events.after_update
    assert not equal(tiny.weights(engine, 1), moved)


def test_the_update_of_all_slots_takes_the_set_fields(tiny):
    """The path of other devices, on the CPU: settings of slots as tensors."""
    optimizer = AdamW(lr=0.01)
    engine = tiny.engine([SetOptimizer(at=2, until=4, lr=0.5), Freeze(at=3, weights=("W_E",))], [])
    settings = slot_settings.SlotSettings(2, "cpu")
    engine._settings = settings
    engine._slot_update = optimizer.slot_update(
        engine.parametrization.trained, engine.optimizer_state, settings, None
    )
    for slot in (0, 1):
        settings.fill(slot, optimizer, 0)
    rates = []
    for _ in range(5):
        engine.run(1)
        rates.append(settings.lr[0].item())
    assert rates == [0.01, 0.01, 0.5, 0.5, 0.01] and settings.age.tolist() == [5, 5]
    assert engine.ages == [5, 5]
