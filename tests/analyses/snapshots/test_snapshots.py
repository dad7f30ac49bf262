import json

import numpy as np
import pandas as pd
import pytest

from analyses.loading.chosen_networks import open_networks
from analyses.snapshots.command import main, networks_of_seed
from analyses.snapshots.schema import (
    ANALYSIS,
    CIRCLES,
    MAPS,
    MASK_GRAPHS,
    MATRICES,
    MOMENTS,
    NEURONS,
    PAIRS,
    SPECTRA,
    WAVES,
)
from analyses.snapshots.tables import network_tables
from analyses.tables.origin import read_origin
from training.runs.run_directory import RunDir


@pytest.fixture(scope="module")
def tables(analysed):
    return analysed.tables(*ANALYSIS)


def dense_network(path):
    return open_networks(str(path), ["dense"]).finished[0]


def at_end(table, arm="dense", side="input"):
    of_map = table[(table["arm"] == arm) & (table["map"] == side)]
    return of_map[of_map["step"] == of_map["step"].max()]


def numbers_of(rows):
    return rows[[name for name in rows if name.isdecimal()]].to_numpy(dtype=float)


def ordered_rows(tables, side):
    """Return the last map of the dense network in order of neurons, (m, p)."""
    order = at_end(tables[NEURONS]).sort_values("place")["neuron"]
    return numbers_of(at_end(tables[MAPS], side=side).set_index("neuron").loc[order])


@pytest.mark.parametrize(("side", "phase"), [("input", "phi"), ("output", "psi")])
def test_planted_cosines_come_back(tables, planted, side, phase):
    neurons = at_end(tables[NEURONS], side=side)
    assert neurons["frequency"].tolist() == [*planted["frequency"], 0]
    np.testing.assert_allclose(neurons["amplitude"], [*planted["amplitude"], 0], atol=1e-5)
    np.testing.assert_allclose(neurons["phase"], [*planted[phase], np.nan], atol=1e-5)
    np.testing.assert_allclose(neurons["share"], [1, 1, 1, 1, 1, np.nan], atol=1e-5)
    np.testing.assert_allclose(neurons["constant"], 0, atol=1e-6)


def test_cosines_of_earlier_landmarks_have_the_last_frequency(tables):
    start = tables[NEURONS].query("arm == 'dense' and map == 'input' and step == 0").set_index("neuron")
    last = at_end(tables[NEURONS]).set_index("neuron")
    weights = numbers_of(tables[MAPS].query("arm == 'dense' and map == 'input' and step == 0"))
    for neuron in range(5):
        angle = 2 * np.pi * last.loc[neuron, "frequency"] * np.arange(11) / 11
        columns = np.stack([np.ones(11), np.cos(angle), np.sin(angle)], axis=1)
        fit, *_ = np.linalg.lstsq(columns, weights[neuron])
        left = weights[neuron] - columns @ fit
        assert start.loc[neuron, "frequency"] == last.loc[neuron, "frequency"]
        assert start.loc[neuron, "amplitude"] == pytest.approx(np.hypot(*fit[1:]), rel=1e-5)
        assert start.loc[neuron, "share"] == pytest.approx(1 - left.var() / weights[neuron].var(), rel=1e-4)


def test_maps_and_spectra_equal_those_of_the_checkpoints(tables, tiny_run):
    files = RunDir(tiny_run).arm("grokked_ticket", 0)
    weights = {name: w.astype(float) for name, w in files.checkpoints().items()}
    for t, step in enumerate(files.steps()):
        W = {name: w[t] for name, w in weights.items()}
        expected = {"input": (W["W_E"] @ W["W_in"]).T, "output": W["W_out"] @ W["W_U"]}
        for side, rows in expected.items():
            maps, spectra = (
                tables[table].query(f"arm == 'grokked_ticket' and map == '{side}' and step == {step}")
                for table in (MAPS, SPECTRA)
            )
            np.testing.assert_allclose(numbers_of(maps), rows, rtol=1e-6, atol=1e-7)
            for k in range(1, 6):
                wave = np.exp(-2j * np.pi * k * np.arange(11) / 11)
                np.testing.assert_allclose(spectra[str(k)], abs(rows @ wave) * 2 / 11, atol=1e-6)


def test_pruned_weights_are_zero_and_masks_equal_those_of_the_run(tables, tiny_run, planted):
    matrices = tables[MATRICES]
    assert (matrices.loc[~matrices["kept"], "weight"] == 0).all()
    assert matrices.loc[matrices["arm"] == "dense", "kept"].all()
    for arm in ("grokked_ticket", "random"):
        files = RunDir(tiny_run).arm(arm, 0)
        for layer, mask in files.mask().items():
            rows = matrices[(matrices["arm"] == arm) & (matrices["layer"] == layer)]
            is_kept = np.zeros(mask.shape, dtype=bool)
            is_kept[rows["row"], rows["column"]] = rows["kept"]
            assert (is_kept == mask).all()
            last = files.checkpoints(layer)[layer][-1]
            assert (rows["weight"] == last[rows["row"], rows["column"]]).all()
        share = matrices.loc[matrices["arm"] == arm, "kept"].mean()
        assert share == pytest.approx(1 - planted["sparsity"], abs=0.01)


def test_neurons_are_ordered_by_frequency_and_phase_and_the_dead_are_last(tables):
    order = at_end(tables[NEURONS]).sort_values("place")
    assert order["neuron"].tolist() == [0, 1, 3, 2, 4, 5]
    assert order["place"].tolist() == list(range(6))


def test_the_order_does_not_depend_on_the_neurons_numbers(tables, tiny_copy):
    files = RunDir(tiny_copy).arm("dense", 0)
    weights, turn = files.checkpoints(), np.array([4, 0, 5, 2, 1, 3])
    weights |= {"W_in": weights["W_in"][..., turn], "W_out": weights["W_out"][:, turn]}
    files.write_checkpoints(files.steps(), weights)
    renumbered = network_tables(dense_network(tiny_copy))
    frequencies = [at_end(part[NEURONS])["frequency"].tolist() for part in (renumbered, tables)]
    assert frequencies[0] != frequencies[1]
    for side in ("input", "output"):
        np.testing.assert_allclose(ordered_rows(renumbered, side), ordered_rows(tables, side), atol=1e-6)


def test_landmarks_are_the_first_checkpoints_at_the_stages(tables):
    steps = {arm: rows.set_index("moment")["step"].to_dict() for arm, rows in tables[MOMENTS].groupby("arm")}
    assert steps["dense"] == {
        "start": 0,
        "memorised": 100,
        "between": 2000,  # the first at or after √(100 · 6000)
        "generalised": 6000,
        "end": 8000,
    }
    assert steps["random"] == {"start": 0, "memorised": 100, "end": 2000}
    dense = tables[MOMENTS].query("arm == 'dense'").set_index("moment")
    assert dense.loc["generalised", "test_acc"] == pytest.approx(0.95)
    assert dense.loc["end", "input_fit"] == pytest.approx(1, abs=1e-5)


def test_between_landmarks_only_some_neurons_and_checkpoints_are_kept(tiny_run):
    few = network_tables(dense_network(tiny_run), most_steps=3, most_neurons=3)
    followed = set(few[NEURONS].query("followed")["neuron"])
    assert followed == {0, 5, 2} or followed == {0, 5, 3}  # the ends of the order and its middle
    landmarks = set(few[MOMENTS]["step"])
    steps = set()
    for step, rows in few[MAPS].query("map == 'input'").groupby("step"):
        steps.add(step)
        assert set(rows["neuron"]) == (set(range(6)) if step in landmarks else followed)
    assert landmarks <= steps < {0, 100, 200, 2000, 4000, 6000, 8000}


def test_networks_are_those_of_the_first_seed_or_the_chosen_one(tables, tiny_copy, tmp_path, capsys):
    explored = (WAVES, PAIRS, CIRCLES, MASK_GRAPHS)
    assert {seed for key, table in tables.items() if key not in explored for seed in table["seed"]} == {0}
    assert all(set(tables[table]["seed"]) == {0, 1} for table in explored)
    (tiny_copy / "arms" / "random" / "seed_1" / "DONE").unlink()
    networks = networks_of_seed(open_networks(str(tiny_copy)).finished, 1)
    assert "random: left out: no finished network of seed 1" in capsys.readouterr().err
    assert [(network.arm, network.seed) for network in networks] == [("dense", 1), ("grokked_ticket", 1)]
    assert main(["--run", str(tiny_copy), "--seed", "7"]) == 2
    assert "--seed: expected one of 0, 1, got 7" in capsys.readouterr().err
    assert main(["--run", str(tiny_copy), "--out", str(tmp_path), "--seed", "1", "--no-plot"]) == 0
    main_table = tmp_path / "analyses" / "snapshots.parquet"
    assert set(pd.read_parquet(main_table)["seed"]) == {1}
    assert read_origin(main_table).arguments == {"seed": 1}


def test_the_summary_has_the_landmarks(analysed, tables):
    summary = analysed.measured(ANALYSIS)["json"]
    expected = tables[MOMENTS][MOMENTS.measured_columns]
    pd.testing.assert_frame_equal(pd.DataFrame(summary["moments"]), expected, check_dtype=False)


def test_a_task_without_residues_is_refused(tmp_path, capsys):
    run = RunDir(tmp_path)
    task = {"name": "parity", "n_bits": 6, "k": 2, "n_train": 30, "n_test": 20}
    (tmp_path / "config.json").write_text(json.dumps({"task": task, "model": {"name": "mlp", "widths": [4]}}))
    (tmp_path / "arms" / "dense" / "seed_0").mkdir(parents=True)
    weights = {"W_0": np.ones((1, 7, 4), np.float32), "W_1": np.ones((1, 4, 2), np.float32)}
    run.arm("dense", 0).write_checkpoints(np.array([0]), weights)
    assert main(["--run", str(tmp_path)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "residues mod p" in error and "parity" in error and "residues mod p" in ANALYSIS.takes
