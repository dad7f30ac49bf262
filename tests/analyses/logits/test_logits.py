from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analyses.logits.command import labels_of_pairs, main
from analyses.logits.majority_vote import ideal_tables
from interp.mechanism.flawed_indicator import indicator_fit, indicator_logits
from interp.mechanism.logit_fit import cross_entropy
from interp.mechanism.two_layer_forward import ACTIVATIONS
from training.runs.atomic_files import RunError
from training.tasks.modular import ModularTask


@pytest.fixture(scope="module")
def found(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("logits")
    assert main(["--run", str(tiny_run), "--out", str(out), "--no-plot"]) == 0
    names = ("", "_votes", "_frequencies", "_subsets", "_slice", "_swaps", "_ideal", "_ideal_subsets")
    tables = {s: pd.read_parquet(out / "analyses" / f"logits{s}.parquet") for s in names}
    return {s: t if "ideal" in s else t.query("arm == 'dense' and seed == 0") for s, t in tables.items()}


@pytest.fixture(scope="module")
def logits(planted):
    """Of the planted network, pair by pair."""
    p, residue = planted["p"], np.arange(planted["p"])
    sums = np.zeros((p, p, p))
    neurons = zip(*(planted[name] for name in ("frequency", "amplitude", "phi", "psi")), strict=True)
    for k, amplitude, phi, psi in neurons:
        read, written = (amplitude * np.cos(2 * np.pi * k * residue / p + x) for x in (phi, psi))
        sums += np.maximum(np.add.outer(read, read), 0)[..., None] * written
    return sums


def test_the_fit_is_that_of_the_planted_network(found, logits):
    fit, row = indicator_fit(logits), found[""].iloc[-1]
    for name in ("main", "ghost", "ratio", "r2"):
        assert row[name] == pytest.approx(float(getattr(fit, name)), rel=1e-4)
    p = len(logits)
    assert row["accuracy"] == (logits.argmax(axis=-1) == np.add.outer(range(p), range(p)) % p).mean()
    assert len(found[""]) == 7 and found[""]["half_vote"].isna().sum() == 6


def test_all_neurons_together_are_the_network(found, planted):
    last, row = found["_votes"].iloc[-1], found[""].iloc[-1]
    assert last["n_neurons"] == planted["n_neurons"]
    assert (last["accuracy"], last["margin"]) == pytest.approx((row["accuracy"], row["margin"]))
    swap = found["_swaps"].set_index("activation")
    assert swap.index.tolist() == list(ACTIVATIONS)
    assert swap.loc["relu", "accuracy"] == row["accuracy"]


def test_frequencies_vote_by_the_planted_groups(found):
    groups = found["_frequencies"].set_index("frequency")
    assert groups["n_neurons"].tolist() == [1, 1, 2, 0, 1]
    assert np.isnan(groups.loc[4, "accuracy"]) and groups.loc[3, "accuracy"] < 1


def test_subsets_end_with_all_live_neurons(found, logits):
    whole, sums = found[""].iloc[-1], np.add.outer(range(len(logits)), range(len(logits))) % len(logits)
    loss = cross_entropy(logits, sums).mean()
    for of, sizes in (("frequencies", [1, 2, 3, 4]), ("neurons", [1, 2])):
        votes = found["_subsets"][found["_subsets"]["of"] == of]
        assert votes["n"].tolist() == sizes
        assert votes["accuracy"].iloc[-1] == pytest.approx(whole["accuracy"])
        assert votes["margin"].iloc[-1] == pytest.approx(whole["margin"], rel=1e-5)
        assert votes["loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)


def test_the_slice_is_one_x_beside_the_ideal_of_the_same_main_part(found, logits):
    p, part = len(logits), found["_slice"]
    (x,) = set(part["x"])
    own = part.pivot(index="y", columns="class", values="logit").to_numpy()
    np.testing.assert_allclose(own, logits[x] - logits[x].mean(axis=-1, keepdims=True), rtol=1e-3, atol=1e-5)
    ideal = part.pivot(index="y", columns="class", values="ideal").to_numpy()
    exact = indicator_logits(p, 4 * found[""]["main"].iloc[-1] / p)[x]
    np.testing.assert_allclose(ideal, exact - exact.mean(axis=-1, keepdims=True), atol=1e-6)
    labels = part.drop_duplicates("y")["label"]
    assert labels.tolist() == [(x + y) % p for y in range(p)]


def test_ideal_neurons_meet_the_closed_form_but_for_one_two_and_four(found):
    error = found["_ideal"].set_index("n_neurons")["error"]
    assert error.index[error > 1e-10].tolist() == [1, 2, 4] and error.max() > 0.1


def test_the_published_losses_of_ideal_neurons_come_back():
    """Means over all sets of frequencies there, over 20 orders here; of one and of all they are the same."""
    votes = ideal_tables(23)["_ideal_subsets"].query("of == 'frequencies'").set_index("n")["loss"]
    assert votes[1] == pytest.approx(1.642745, rel=0.02) and votes[11] == pytest.approx(
        5.934039e-15, rel=1e-6
    )
    assert votes[8] == pytest.approx(2.99e-8, rel=1)


def network_of(task):
    return SimpleNamespace(
        setting=SimpleNamespace(task=task), p=task.p, files=SimpleNamespace(path=Path("x"))
    )


def test_an_unordered_pair_has_its_label_in_both_orders_and_an_ordered_one_its_own():
    a, b = np.meshgrid(np.arange(11), np.arange(11), indexing="ij")
    tables = [
        labels_of_pairs(network_of(ModularTask(name="sub", p=11, pairs=w))) for w in ("unordered", "ordered")
    ]
    np.testing.assert_array_equal(tables[0], abs(a - b))
    np.testing.assert_array_equal(tables[1], (a - b) % 11)


def test_a_task_that_leaves_out_pairs_is_refused():
    with pytest.raises(RunError, match="x: expected a task of all pairs, and div leaves out some"):
        labels_of_pairs(network_of(ModularTask(name="div", p=11)))
