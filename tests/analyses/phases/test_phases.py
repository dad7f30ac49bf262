import json

import numpy as np
import pandas as pd
import pytest

from analyses.phases.schema import GROUPS, MEANS, NEURONS
from analyses.phases.summary import summarise


def dense_at_end(table):
    network = table[(table["arm"] == "dense") & (table["seed"] == 0)]
    return network[network["step"] == network["step"].max()]


def test_planted_misalignment_comes_back(analysed, planted):
    neurons = dense_at_end(analysed.table(NEURONS))
    np.testing.assert_allclose(neurons["D"], [*planted["D"], np.nan], atol=1e-5)
    assert neurons["output_frequency"].tolist() == [*planted["frequency"], 0]


def test_means_over_live_neurons(analysed, planted):
    row = dense_at_end(analysed.table(MEANS)).iloc[0]
    D, weight = planted["D"], planted["amplitude"] ** 4
    assert row["mean_cos"] == pytest.approx(np.cos(D).mean(), abs=1e-5)
    assert row["mean_abs_sin"] == pytest.approx(np.abs(np.sin(D)).mean(), abs=1e-5)
    assert row["weighted_cos"] == pytest.approx((weight * np.cos(D)).sum() / weight.sum(), abs=1e-5)
    assert row["mean_cos_at_final"] == pytest.approx(row["mean_cos"])
    assert (row["same_frequency"], row["n_dead"], row["n_frequencies"]) == (1, 1, 4)
    amplitude = planted["amplitude"]
    assert row["cv_input_amplitude"] == pytest.approx(amplitude.std() / amplitude.mean(), rel=1e-5)


def test_symmetry_is_measured_for_groups_of_two_and_more(analysed, planted):
    pair = planted["phi"][planted["frequency"] == 3]
    row = dense_at_end(analysed.table(MEANS)).iloc[0]
    assert row["R_1"] == pytest.approx(abs(np.exp(1j * pair).mean()), abs=1e-5)
    assert row["rayleigh"] == pytest.approx(np.sqrt(np.pi / 8))
    groups = dense_at_end(analysed.table(GROUPS))
    assert groups["frequency"].tolist() == [1, 2, 3, 5]
    assert groups["n_neurons"].tolist() == [1, 1, 2, 1]


def test_phases_at_the_final_frequency_are_measured_at_every_step(analysed):
    start = analysed.table(MEANS).query("arm == 'dense' and step == 0")
    assert (start["mean_cos_at_final"] != start["mean_cos"]).all()


def test_printed_tables_explain_every_symbol(analysed):
    out = analysed.analyse("phases").out
    assert max(map(len, out.splitlines())) <= 100
    for sentence in (
        "D = 2 × input phase − output phase",
        "phase orders R_1 to R_4, each a resultant length",
        "expected for random phases (Rayleigh)",
        "CV: standard deviation over neurons / mean",
    ):
        assert sentence in " ".join(out.split())
    assert "Rι" not in out


def test_conclusions_name_their_arms(analysed):
    means = analysed.table(MEANS)
    summary, printed = summarise({MEANS: means})
    saved = json.loads((analysed.path / "analyses" / "phases.json").read_text())
    assert [row["arm"] for row in summary["arms"]] == [row["arm"] for row in saved["arms"]]
    assert "(mean cos D at least 0.9) in: dense, grokked ticket. Random" in printed[0].conclusion
    none, all_arms = (summarise({MEANS: means.assign(mean_cos=cos)})[1][0].conclusion for cos in (0.5, 0.95))
    assert "in: no arm. Random" in none and "in: all arms. Random" in all_arms
    unequal = summarise({MEANS: means.assign(chi2_p_value=pd.Series(means["arm"] != "random") * 0.5)})
    assert "in: random mask. CV" in unequal[1][2].conclusion
