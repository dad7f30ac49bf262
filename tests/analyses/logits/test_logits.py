import numpy as np
import pytest

from analyses.logits.majority_vote import ideal_tables
from analyses.logits.schema import (
    FITS,
    FREQUENCIES,
    IDEAL,
    IDEAL_SUBSETS,
    LEAST_R2,
    SLICE,
    SUBSETS,
    SWAPS,
    VOTES,
)
from analyses.logits.summary import summarise
from interp.mechanism.flawed_indicator import indicator_fit, indicator_logits
from interp.mechanism.logit_fit import cross_entropy
from interp.mechanism.two_layer_forward import ACTIVATIONS


@pytest.fixture
def dense(analysed):
    """Return a function that selects one dense network in a table."""
    return lambda table: analysed.table(table).query("arm == 'dense' and seed == 0")


@pytest.fixture(scope="module")
def logits(planted):
    """Return the logits of the planted network, pair by pair."""
    p, residue = planted["p"], np.arange(planted["p"])
    sums = np.zeros((p, p, p))
    neurons = zip(*(planted[name] for name in ("frequency", "amplitude", "phi", "psi")), strict=True)
    for k, amplitude, phi, psi in neurons:
        input_row, output_row = (amplitude * np.cos(2 * np.pi * k * residue / p + x) for x in (phi, psi))
        sums += np.maximum(np.add.outer(input_row, input_row), 0)[..., None] * output_row
    return sums


def test_the_fit_equals_that_of_the_planted_network(dense, logits):
    fit, fits = indicator_fit(logits), dense(FITS)
    row = fits.iloc[-1]
    for name in ("main", "ghost", "ratio", "r2"):
        assert row[name] == pytest.approx(float(getattr(fit, name)), rel=1e-4)
    p = len(logits)
    assert row["accuracy"] == (logits.argmax(axis=-1) == np.add.outer(range(p), range(p)) % p).mean()
    assert len(fits) == 7 and fits["half_vote"].isna().sum() == 6


def test_all_neurons_together_are_the_network(dense, planted):
    last, row = dense(VOTES).iloc[-1], dense(FITS).iloc[-1]
    assert last["n_neurons"] == planted["n_neurons"]
    assert (last["accuracy"], last["margin"]) == pytest.approx((row["accuracy"], row["margin"]))
    swap = dense(SWAPS).set_index("activation")
    assert swap.index.tolist() == list(ACTIVATIONS)
    assert swap.loc["relu", "accuracy"] == row["accuracy"]


def test_frequencies_vote_by_the_planted_groups(dense):
    groups = dense(FREQUENCIES).set_index("frequency")
    assert groups["n_neurons"].tolist() == [1, 1, 2, 0, 1]
    assert np.isnan(groups.loc[4, "accuracy"]) and groups.loc[3, "accuracy"] < 1


def test_subsets_end_with_all_live_neurons(dense, logits):
    last, sums = dense(FITS).iloc[-1], np.add.outer(range(len(logits)), range(len(logits))) % len(logits)
    loss, subsets = cross_entropy(logits, sums).mean(), dense(SUBSETS)
    for of, sizes in (("frequencies", [1, 2, 3, 4]), ("neurons", [1, 2])):
        votes = subsets[subsets["of"] == of]
        assert votes["n"].tolist() == sizes
        assert votes["accuracy"].iloc[-1] == pytest.approx(last["accuracy"])
        assert votes["margin"].iloc[-1] == pytest.approx(last["margin"], rel=1e-5)
        assert votes["loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)


def test_the_slice_has_logits_of_one_x_and_ideal_logits_of_equal_main_part(dense, logits):
    p, part = len(logits), dense(SLICE)
    (x,) = set(part["x"])
    network = part.pivot(index="y", columns="class", values="logit").to_numpy()
    np.testing.assert_allclose(
        network, logits[x] - logits[x].mean(axis=-1, keepdims=True), rtol=1e-3, atol=1e-5
    )
    ideal = part.pivot(index="y", columns="class", values="ideal").to_numpy()
    exact = indicator_logits(p, 4 * dense(FITS)["main"].iloc[-1] / p)[x]
    np.testing.assert_allclose(ideal, exact - exact.mean(axis=-1, keepdims=True), atol=1e-6)
    labels = part.drop_duplicates("y")["label"]
    assert labels.tolist() == [(x + y) % p for y in range(p)]


def test_ideal_neurons_follow_the_closed_form_except_for_one_two_and_four(analysed):
    error = analysed.table(IDEAL).set_index("n_neurons")["error"]
    assert error.index[error > 1e-10].tolist() == [1, 2, 4] and error.max() > 0.1


def test_losses_of_ideal_neurons_equal_the_published_ones():
    """Published losses are means over all sets, the computed ones over 20 orders.

    For one frequency and for all frequencies both are equal.
    """
    votes = ideal_tables(23)[IDEAL_SUBSETS].query("of == 'frequencies'").set_index("n")["loss"]
    assert votes[1] == pytest.approx(1.642745, rel=0.02) and votes[11] == pytest.approx(
        5.934039e-15, rel=1e-6
    )
    assert votes[8] == pytest.approx(2.99e-8, rel=1)


def printed(analysed, **columns):
    """Return the printed tables after changes to the fits."""
    tables = {FITS: analysed.table(FITS).assign(**columns), SWAPS: analysed.table(SWAPS)}
    return summarise(tables, dict.fromkeys(("dense", "grokked_ticket", "random"), "relu"))[1]


def test_a_ratio_with_a_denominator_near_0_is_not_printed(analysed):
    strong, weak = (printed(analysed, ratio=-40.6, r2=r2)[0] for r2 in (LEAST_R2, LEAST_R2 / 2))
    assert {row["ghost/main"] for row in strong.rows} == {"-40.6 → -40.6"}
    assert {row["ghost/main"] for row in weak.rows} == {"undefined"}
    assert "Undefined: R² of a seed is below 0.02, main near 0." in weak.conclusion
    one_seed = analysed.table(FITS)["seed"].map({0: 0.5, 1: 0.0})
    assert {row["ghost/main"] for row in printed(analysed, r2=one_seed)[0].rows} == {"undefined"}


def test_conclusions_follow_from_the_numbers(analysed):
    fit, swaps = printed(analysed)
    best = analysed.table(FITS).query("step == 8000")["r2"].mean()
    assert (
        f"explains at most {100 * best:.3g} % of the logits' variance over classes (dense)" in fit.conclusion
    )
    assert "Trained with relu. No arm reaches accuracy 0.5" in swaps.conclusion
    tables = {FITS: analysed.table(FITS), SWAPS: analysed.table(SWAPS)}
    accuracy = tables[SWAPS]["activation"].map(lambda name: {"relu": 0.8, "abs": 0.73}.get(name, 0.7))
    tables[SWAPS] = tables[SWAPS].assign(accuracy=accuracy)
    activations = dict.fromkeys(("dense", "grokked_ticket", "random"), "relu")
    assert summarise(tables, activations)[1][1].conclusion.endswith("90 % of its accuracy remain with: abs.")


def test_the_text_fits_a_terminal(analysed):
    assert max(map(len, analysed.analyse("logits").out.splitlines())) <= 100
