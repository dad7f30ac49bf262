import numpy as np
import pandas as pd
import pytest

from analyses.snapshots import command as snapshots
from analyses.snapshots import tables as snapshot_tables
from training.runs.run_directory import RunDir

SUFFIXES = ("", "_accuracy", "_neurons", "_maps", "_spectra", "_matrices")


def snapshots_of(path, out, *more):
    assert snapshots.main(["--run", str(path), "--out", str(out), "--no-plot", *more]) == 0
    return {s: pd.read_parquet(out / "analyses" / f"snapshots{s}.parquet") for s in SUFFIXES}


@pytest.fixture(scope="module")
def found(tiny_run, tmp_path_factory):
    return snapshots_of(tiny_run, tmp_path_factory.mktemp("snapshots"))


def at_end(table, arm="dense", side="input"):
    own = table[(table["arm"] == arm) & (table["map"] == side)]
    return own[own["step"] == own["step"].max()]


def ordered_rows(tables, side):
    """The dense network's last map, its neurons in order, (m, p)."""
    order = at_end(tables["_neurons"]).sort_values("place")["neuron"]
    own = at_end(tables["_maps"], side=side).set_index("neuron").loc[order]
    return own[[name for name in own if name.isdecimal()]].to_numpy()


@pytest.mark.parametrize(("side", "phase"), [("input", "phi"), ("output", "psi")])
def test_planted_cosines_come_back(found, planted, side, phase):
    neurons = at_end(found["_neurons"], side=side)
    assert neurons["frequency"].tolist() == [*planted["frequency"], 0]
    np.testing.assert_allclose(neurons["amplitude"], [*planted["amplitude"], 0], atol=1e-5)
    np.testing.assert_allclose(neurons["phase"], [*planted[phase], np.nan], atol=1e-5)
    np.testing.assert_allclose(neurons["share"], [1, 1, 1, 1, 1, np.nan], atol=1e-5)
    np.testing.assert_allclose(neurons["constant"], 0, atol=1e-6)


def test_cosines_of_earlier_moments_have_the_last_frequency(found):
    start = found["_neurons"].query("arm == 'dense' and map == 'input' and step == 0").set_index("neuron")
    last = at_end(found["_neurons"]).set_index("neuron")
    weights = found["_maps"].query("arm == 'dense' and map == 'input' and step == 0").set_index("neuron")
    for neuron in range(5):
        row = weights.loc[neuron, [str(j) for j in range(11)]].to_numpy(dtype=float)
        angle = 2 * np.pi * last.loc[neuron, "frequency"] * np.arange(11) / 11
        columns = np.stack([np.ones(11), np.cos(angle), np.sin(angle)], axis=1)
        fit, *_ = np.linalg.lstsq(columns, row)
        left = row - columns @ fit
        assert start.loc[neuron, "frequency"] == last.loc[neuron, "frequency"]
        assert start.loc[neuron, "amplitude"] == pytest.approx(np.hypot(*fit[1:]), rel=1e-5)
        assert start.loc[neuron, "share"] == pytest.approx(1 - left.var() / row.var(), rel=1e-4)


def test_maps_and_spectra_are_those_of_the_checkpoints(found, tiny_run):
    files = RunDir(tiny_run).arm("grokked_ticket", 0)
    weights = {name: w.astype(float) for name, w in files.checkpoints().items()}
    for t, step in enumerate(files.steps()):
        W = {name: w[t] for name, w in weights.items()}
        expected = {"input": (W["W_E"] @ W["W_in"]).T, "output": W["W_out"] @ W["W_U"]}
        for side, rows in expected.items():
            maps, spectra = (
                found[s].query(f"arm == 'grokked_ticket' and map == '{side}' and step == {step}").iloc[:, 5:]
                for s in ("_maps", "_spectra")
            )
            np.testing.assert_allclose(maps, rows, rtol=1e-6, atol=1e-7)
            for k in range(1, 6):
                wave = np.exp(-2j * np.pi * k * np.arange(11) / 11)
                np.testing.assert_allclose(spectra[str(k)], abs(rows @ wave) * 2 / 11, atol=1e-6)


def test_pruned_weights_are_zero_and_the_masks_those_of_the_run(found, tiny_run, planted):
    matrices = found["_matrices"]
    assert (matrices.loc[~matrices["kept"], "weight"] == 0).all()
    assert matrices.loc[matrices["arm"] == "dense", "kept"].all()
    for arm in ("grokked_ticket", "random"):
        files = RunDir(tiny_run).arm(arm, 0)
        for layer, mask in files.mask().items():
            own = matrices[(matrices["arm"] == arm) & (matrices["layer"] == layer)]
            kept = np.zeros(mask.shape, dtype=bool)
            kept[own["row"], own["column"]] = own["kept"]
            assert (kept == mask).all()
            last = files.checkpoints(layer)[layer][-1]
            assert (own["weight"] == last[own["row"], own["column"]]).all()
        share = matrices.loc[matrices["arm"] == arm, "kept"].mean()
        assert share == pytest.approx(1 - planted["sparsity"], abs=0.01)


def test_neurons_are_ordered_by_frequency_and_phase_and_the_dead_are_last(found, planted):
    order = at_end(found["_neurons"]).sort_values("place")
    assert order["neuron"].tolist() == [0, 1, 3, 2, 4, 5]
    assert order["place"].tolist() == list(range(6))


def test_the_order_does_not_depend_on_the_neurons_numbers(found, tiny_copy, tmp_path):
    files = RunDir(tiny_copy).arm("dense", 0)
    weights, turn = files.checkpoints(), np.array([4, 0, 5, 2, 1, 3])
    weights |= {"W_in": weights["W_in"][..., turn], "W_out": weights["W_out"][:, turn]}
    files.write_checkpoints(files.steps(), weights)
    renumbered = snapshots_of(tiny_copy, tmp_path)
    assert (
        at_end(renumbered["_neurons"])["frequency"].tolist()
        != at_end(found["_neurons"])["frequency"].tolist()
    )
    for side in ("input", "output"):
        np.testing.assert_allclose(ordered_rows(renumbered, side), ordered_rows(found, side), atol=1e-6)


def test_moments_are_the_first_checkpoints_at_the_stages(found):
    steps = {arm: own.set_index("moment")["step"].to_dict() for arm, own in found[""].groupby("arm")}
    assert steps["dense"] == {
        "start": 0,
        "memorised": 100,
        "between": 2000,  # the first at or after √(100 · 6000)
        "generalised": 6000,
        "end": 8000,
    }
    assert steps["random"] == {"start": 0, "memorised": 100, "end": 2000}
    dense = found[""].query("arm == 'dense'").set_index("moment")
    assert dense.loc["generalised", "test_acc"] == pytest.approx(0.95)
    assert dense.loc["end", "input_fit"] == pytest.approx(1, abs=1e-5)


def test_between_the_moments_only_some_neurons_at_some_checkpoints(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot_tables, "MOST_NEURONS", 3)
    monkeypatch.setattr(snapshot_tables, "MOST_STEPS", 3)
    few = snapshots_of(tiny_run, tmp_path)
    followed = set(few["_neurons"].query("arm == 'dense' and followed")["neuron"])
    assert followed == {0, 5, 2} or followed == {0, 5, 3}  # the ends of the order and its middle
    of_interest = set(few[""].query("arm == 'dense'")["step"])
    sizes = {}
    for step, own in few["_maps"].query("arm == 'dense' and map == 'input'").groupby("step"):
        sizes[step] = len(own)
        assert set(own["neuron"]) == (set(range(6)) if step in of_interest else followed)
    assert of_interest <= set(sizes) < {0, 100, 200, 2000, 4000, 6000, 8000}


def test_one_seed_the_recipes_first_or_the_one_asked_for(found, tiny_copy, tmp_path, capsys):
    assert {seed for table in found.values() for seed in table["seed"]} == {0}
    (tiny_copy / "arms" / "random" / "seed_1" / "DONE").unlink()
    other = snapshots_of(tiny_copy, tmp_path, "--seed", "1")
    assert "random: left out: not there for seed 1" in capsys.readouterr().err
    assert {seed for table in other.values() for seed in table["seed"]} == {1}
    assert set(other[""]["arm"]) == {"dense", "grokked_ticket"}
    assert snapshots.main(["--run", str(tiny_copy), "--seed", "7"]) == 2
    assert "--seed: expected one of 0, 1, got 7" in capsys.readouterr().err
