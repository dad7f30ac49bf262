import numpy as np
import pandas as pd
import pytest

from analyses.phases.command import main


@pytest.fixture(scope="module")
def found(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("phases")
    assert main(["--run", str(tiny_run), "--out", str(out), "--no-plot"]) == 0
    return {s: pd.read_parquet(out / "analyses" / f"phases{s}.parquet") for s in ("", "_neurons", "_groups")}


def dense_at_end(table):
    own = table[(table["arm"] == "dense") & (table["seed"] == 0)]
    return own[own["step"] == own["step"].max()]


def test_planted_misalignment_comes_back(found, planted):
    neurons = dense_at_end(found["_neurons"])
    np.testing.assert_allclose(neurons["D"], [*planted["D"], np.nan], atol=1e-5)
    assert neurons["output_frequency"].tolist() == [*planted["frequency"], 0]


def test_means_over_live_neurons(found, planted):
    row = dense_at_end(found[""]).iloc[0]
    D, weight = planted["D"], planted["amplitude"] ** 4
    assert row["mean_cos"] == pytest.approx(np.cos(D).mean(), abs=1e-5)
    assert row["mean_abs_sin"] == pytest.approx(np.abs(np.sin(D)).mean(), abs=1e-5)
    assert row["weighted_cos"] == pytest.approx((weight * np.cos(D)).sum() / weight.sum(), abs=1e-5)
    assert row["mean_cos_at_final"] == pytest.approx(row["mean_cos"])
    assert (row["same_frequency"], row["n_dead"], row["n_frequencies"]) == (1, 1, 4)
    amplitude = planted["amplitude"]
    assert row["cv_input_amplitude"] == pytest.approx(amplitude.std() / amplitude.mean(), rel=1e-5)


def test_symmetry_is_of_groups_of_two_and_more(found, planted):
    pair = planted["phi"][planted["frequency"] == 3]
    row = dense_at_end(found[""]).iloc[0]
    assert row["R_1"] == pytest.approx(abs(np.exp(1j * pair).mean()), abs=1e-5)
    assert row["rayleigh"] == pytest.approx(np.sqrt(np.pi / 8))
    groups = dense_at_end(found["_groups"])
    assert groups["frequency"].tolist() == [1, 2, 3, 5]
    assert groups["n_neurons"].tolist() == [1, 1, 2, 1]


def test_the_final_frequency_is_followed_back_to_the_start(found):
    start = found[""].query("arm == 'dense' and step == 0")
    assert (start["mean_cos_at_final"] != start["mean_cos"]).all()
