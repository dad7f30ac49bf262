"""Pruned weights, removed and transplanted frequencies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.spectra.fourier import fourier_coefficients
from training.optimization.events.freeze import Freeze
from training.optimization.events.prune import Prune
from training.optimization.events.remove_frequencies import RemoveFrequencies
from training.optimization.events.transplant import Transplant
from training.optimization.optimizers import SGD, AdamW

P = 11
OPTIMIZERS = [AdamW(lr=0.01), AdamW(lr=0.01, warmup_steps=5), SGD(lr=0.1, weight_decay=0.1)]
KEYS = (2, 5)
E, U = "embed.W_E", "unembed.W_U"
"""Weights of a transformer."""


def energy(W, frequencies, axis=0):
    """Return the share of a weight's energy in some frequencies: a slow sum over residues."""
    rows = np.moveaxis(np.asarray(W, dtype=np.float64), axis, 0)[:P]
    total = 0.0
    for k in frequencies:
        wave = np.exp(-2j * np.pi * k * np.arange(P) / P)
        total += 2 / P * float((abs(wave @ rows) ** 2).sum())
    return total / float((rows**2).sum())


def without(W, frequencies):
    """Return a float64 weight without some frequencies along its rows, by the Fourier transform."""
    spectrum = np.fft.fft(np.asarray(W, dtype=np.float64), axis=0)
    for k in frequencies:
        spectrum[[k, P - k]] = 0
    return np.fft.ifft(spectrum, axis=0).real


# --- which frequencies ---------------------------------------------------------------------------------


@pytest.fixture
def giver():
    """Return weights whose frequencies 2 and 5 are large in W_E, 3 and 5 in W_U, and all others small."""
    turns = 2 * np.pi * np.arange(P) / P
    rows = {"W_E": {2: 1.0, 5: 0.6, 1: 0.4}, "W_U": {3: 1.0, 5: 0.7, 4: 0.2}}
    weights = {
        name: np.outer(sum(size * np.cos(k * turns) for k, size in sizes.items()), np.ones(8))
        for name, sizes in rows.items()
    }
    return {"W_E": weights["W_E"], "W_U": weights["W_U"].T}


@pytest.mark.parametrize(
    ("weights", "keys"), [(("W_E",), (2, 5)), (("W_U",), (3, 5)), (("W_E", "W_U"), (2, 3, 5))]
)
def test_frequencies_are_those_that_are_large_in_another_arm(tiny, inputs_of, giver, weights, keys):
    inputs = inputs_of(tiny.target, weights={"dense": giver})
    event = RemoveFrequencies(at=0, weights=weights, keys_of="dense")
    assert event.chosen(inputs) == keys and event.arms_read() == ("dense",)
    assert RemoveFrequencies(at=0, weights=weights, frequencies=(4, 1)).chosen(inputs) == (1, 4)
    others = set()
    for seed in range(20):
        inputs.seed = seed
        drawn = replace(event, others=True).chosen(inputs)
        assert len(drawn) == min(len(keys), 5 - len(keys)) and not {*drawn} & {*keys}
        assert drawn == replace(event, others=True).chosen(inputs) == tuple(sorted(drawn))
        others |= {*drawn}
    assert others == {1, 2, 3, 4, 5} - {*keys}


def test_the_key_frequencies_of_another_arm_are_removed(tiny, giver):
    event = RemoveFrequencies(at=3, weights=("W_E", "W_U"), keys_of="dense")
    engine = tiny.engine([event], weights={"dense": giver})
    engine.run(6)
    weights = tiny.weights(engine)
    assert energy(weights["W_E"], (2, 3, 5)) < 1e-12 and energy(weights["W_U"], (2, 3, 5), axis=1) < 1e-12
    assert energy(weights["W_E"], (1, 4)) > 0.1


# --- removed frequencies --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("weight", "axis"), [("W_E", 0), ("W_U", 1)])
def test_removed_frequencies_stay_away_until_the_end(tiny, optimizer, weight, axis):
    event = RemoveFrequencies(at=5, until=15, weights=(weight,), frequencies=KEYS)
    engine = tiny.engine([event], optimizer=optimizer)
    engine.run(5)
    assert energy(tiny.weights(engine)[weight], KEYS, axis) > 0.1
    for _ in range(10):
        engine.run(1)
        assert energy(tiny.weights(engine)[weight], KEYS, axis) < 1e-12
    assert energy(tiny.weights(engine)[weight], {1, 3, 4}, axis) > 0.1
    engine.run(1)
    assert energy(tiny.weights(engine)[weight], KEYS, axis) > 1e-10


def test_an_event_that_lasts_some_updates_ends_as_by_until(tiny):
    removal = RemoveFrequencies(at=5, weights=("W_E",), frequencies=KEYS)
    ends = []
    for times in ({"until": 8}, {"lasts": 3}, {"lasts": 4}):
        engine = tiny.engine([replace(removal, **times)])
        engine.run(12)
        ends.append(tiny.weights(engine)["W_E"])
    np.testing.assert_array_equal(ends[0], ends[1])
    assert (ends[1] != ends[2]).any()


def test_a_gradient_without_a_frequency_is_no_removal_under_adamw_whereas_the_event_is(tiny):
    engine = tiny.engine([RemoveFrequencies(at=0, until=1, weights=("W_E",), frequencies=KEYS)])
    engine.run(1)
    (span,) = engine.layout.spans(("W_E",))
    gradients_of = engine.parametrization.trained_gradients

    def without_keys(grads_rw):
        (gradient,) = gradients_of(grads_rw)
        rows = gradient[0, span].view(P, -1)
        rows.copy_(torch.from_numpy(without(rows.numpy(), KEYS)))
        return [gradient]

    engine.parametrization.trained_gradients = without_keys
    engine.run(50)
    assert energy(tiny.weights(engine)["W_E"], KEYS) > 1e-5

    engine = tiny.engine([RemoveFrequencies(at=0, weights=("W_E",), frequencies=KEYS)])
    engine.run(51)
    assert energy(tiny.weights(engine)["W_E"], KEYS) < 1e-12


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_removal_is_that_of_an_oracle_by_the_fourier_transform_in_float64(bench, optimizer):
    tiny = bench()
    initial = tiny.setting.initial_weights
    tiny.setting = _Double(tiny.setting, initial)
    event = RemoveFrequencies(at=3, weights=("W_E",), frequencies=KEYS)
    engine, oracle = tiny.engine([event], optimizer=optimizer), tiny.engine([], optimizer=optimizer)
    engine.run(20)
    oracle.run(3)
    (span,) = oracle.layout.spans(("W_E",))
    removed = [oracle.parametrization.trained[0]]
    removed += [oracle.optimizer_state[name][0] for name in optimizer.gradient_sums]
    for step in range(18):
        if step:
            oracle.run(1)
        for rows in removed:
            part = rows[0, span].view(P, -1)
            part.copy_(torch.from_numpy(without(part.numpy(), KEYS)))
    for name, w in tiny.weights(oracle).items():
        assert w.dtype == np.float64
        np.testing.assert_allclose(tiny.weights(engine)[name], w, rtol=0, atol=1e-10)


class _Double:
    """Setting whose networks start in float64."""

    def __init__(self, setting, initial):
        self.setting, self.initial = setting, initial

    def __getattr__(self, name):
        return getattr(self.setting, name)

    def initial_weights(self, seed):
        return {name: w.double() for name, w in self.initial(seed).items()}


def test_the_token_of_an_equals_sign_keeps_its_row(bench):
    tiny = bench(name="transformer", d_model=8, d_mlp=8, n_heads=2, d_head=4, d_emb=None, equals=True)
    engine = tiny.engine([RemoveFrequencies(at=0, weights=(E, U), frequencies=KEYS)])
    assert engine.layout.shapes[E][0] == P + 1
    row = tiny.weights(engine)[E][P].copy()
    engine.events.begin_stretch(engine, 1)
    np.testing.assert_array_equal(tiny.weights(engine)[E][P], row)
    engine.run(5)
    weights = tiny.weights(engine)
    assert energy(weights[E], KEYS) < 1e-12 and energy(weights[U], KEYS, axis=1) < 1e-12


# --- pruned weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_mask_put_on_at_the_start_makes_the_masked_arm(tiny, optimizer):
    draw = np.random.default_rng(3)
    mask = {name: draw.random(shape) < 0.5 for name, shape in tiny.setting.shapes().items()}
    engine = tiny.engine([Prune(at=0, mask="ticket")], optimizer=optimizer, masks_of={"ticket": mask})
    masked = tiny.engine([], optimizer=optimizer, masks=[mask])
    for n_steps in (1, 9, 20):
        engine.run(n_steps)
        masked.run(n_steps)
        pruned, expected = tiny.weights(engine), tiny.weights(masked)
        for name, w in pruned.items():
            np.testing.assert_array_equal(w, expected[name])
            assert not w[~mask[name]].any() and w[mask[name]].all()
        for name in optimizer.state_names:
            assert all(map(torch.equal, engine.arm_state(0)[name], masked.arm_state(0)[name]))


def test_pruned_weights_have_no_moments_and_grow_again_after_the_end(tiny):
    engine = tiny.engine([Prune(at=4, until=8, method="magnitude", sparsity=0.5)])
    engine.run(4)
    final = tiny.weights(engine)["W_E"]
    engine.run(4)
    pruned = np.concatenate([(w == 0).ravel() for w in tiny.weights(engine).values()])
    largest = abs(final).ravel() >= np.median(abs(final))
    np.testing.assert_array_equal(pruned[: final.size], ~largest)
    state = engine.arm_state(0)
    assert not any(state[name][0][pruned].any() for name in ("mean", "square"))
    assert torch.equal(state["events"]["0"]["pruned"], torch.from_numpy(pruned))
    engine.run(1)
    grown = np.concatenate([w.ravel() for w in tiny.weights(engine).values()])
    assert (grown[pruned] != 0).mean() > 0.9


def test_a_restored_slot_goes_on_with_the_mask_that_was_chosen(tiny):
    events = [Prune(at=4, method="magnitude", sparsity=0.5)]
    whole = tiny.engine(events)
    whole.run(20)
    first, second = tiny.engine(events), tiny.engine(events)
    first.run(9)
    second.restore(0, first.arm_state(0))
    second.run(11)
    for name, w in tiny.weights(whole).items():
        np.testing.assert_array_equal(tiny.weights(second)[name], w)


# --- transplanted frequencies ---------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "axis"), [("W_E", 0), ("W_U", 1)])
def test_transplanted_frequencies_are_the_givers_and_the_others_stay(tiny, weight, axis):
    giver = {name: w.numpy() for name, w in tiny.setting.initial_weights(9).items()}
    event = Transplant(at=5, arm="giver", step=0, weights=(weight,), frequencies=KEYS)
    engine = tiny.engine([event], weights={"giver": giver})
    engine.run(5)
    before = tiny.weights(engine)
    engine.events.begin_stretch(engine, 1)
    after = tiny.weights(engine)
    spectra = [
        np.array(fourier_coefficients(np.moveaxis(w[weight], axis, -1).astype(float)))
        for w in (before, after, giver)
    ]
    is_key = np.zeros(P, dtype=bool)
    for k in KEYS:
        is_key[[2 * k - 1, 2 * k]] = True
    np.testing.assert_allclose(spectra[1][..., is_key], spectra[2][..., is_key], atol=1e-6)
    np.testing.assert_allclose(spectra[1][..., ~is_key], spectra[0][..., ~is_key], atol=1e-6)
    for name in before.keys() - {weight}:
        np.testing.assert_array_equal(before[name], after[name])
    mean = engine.slot_rows(0).views(engine.optimizer_state["mean"][0][0])[weight]
    assert energy(mean, KEYS, axis) < 1e-12
    engine.run(3)
    assert np.isfinite(tiny.weights(engine)[weight]).all()


def test_a_transplant_leaves_pruned_weights_zero(tiny):
    mask = {name: np.ones(shape, dtype=bool) for name, shape in tiny.setting.shapes().items()}
    mask["W_E"][::2] = False
    giver = {name: w.numpy() for name, w in tiny.setting.initial_weights(9).items()}
    event = Transplant(at=2, arm="giver", step=0, weights=("W_E",), frequencies=KEYS)
    engine = tiny.engine([event], masks=[mask], weights={"giver": giver}, own_mask=mask)
    engine.run(4)
    assert not tiny.weights(engine)["W_E"][::2].any()


# --- together -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_events_of_a_batch_give_each_arm_the_bits_that_it_has_alone(tiny, optimizer):
    giver = {name: w.numpy() for name, w in tiny.setting.initial_weights(9).items()}
    removal = RemoveFrequencies(at=2, weights=("W_E",), frequencies=KEYS)
    events = [
        [],
        [replace(removal, weights=("W_E", "W_U"))],
        [Prune(at=3, until=11, method="magnitude", sparsity=0.4)],
        [Transplant(at=6, arm="giver", step=0, weights=("W_E",), frequencies=(1, 3))],
        [
            Freeze(at=1, weights=("W_in",)),
            RemoveFrequencies(at=7, until=9, weights=("W_E",), frequencies=(1,)),
        ],
    ]
    together = tiny.engine(*events, optimizer=optimizer, weights={"giver": giver})
    for n_steps in (4, 6, 10):
        together.run(n_steps)
    for slot, of_arm in enumerate(events):
        alone = tiny.engine([], optimizer=optimizer)
        alone.restore(0, tiny.engine(*[[]] * len(events), optimizer=optimizer).arm_state(slot))
        tiny.put(alone, 0, of_arm, optimizer, weights={"giver": giver})
        alone.run(20)
        for name, w in tiny.weights(alone).items():
            np.testing.assert_array_equal(tiny.weights(together, slot)[name], w)
