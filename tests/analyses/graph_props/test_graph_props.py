import json

import numpy as np
import pandas as pd
import pytest

from analyses.graph_props.command import main
from interp.graphs.expander_spectrum import expander_properties
from interp.graphs.graph_measures import properties
from training.runs.run_directory import RunDir


@pytest.fixture(scope="module")
def found(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("graph_props")
    wanted = ["--run", str(tiny_run), "--out", str(out), "--no-plot", "--jobs", "1", "--nulls", "0"]
    assert main(wanted) == 0
    tables = {s: pd.read_parquet(out / "analyses" / f"graph_props{s}.parquet") for s in ("", "_weights")}
    return tables | {"json": json.loads((out / "analyses" / "graph_props.json").read_text())}


def test_equal_masks_are_measured_once(found, tiny_run, planted):
    table = found[""]
    masks = set()
    for files in RunDir(tiny_run).arms():
        if files.arm != "dense":
            masks.add(tuple(files.mask()[name].tobytes() for name in ("W_E", "W_in", "W_out", "W_U")))
    of_pruned = table[~table["dense"]].groupby("mask").size()
    assert len(of_pruned) == len(masks)
    last = table["step"] == planted["steps"]["dense"][-1]
    dense = table[last & (table["arm"] == "dense")].groupby("seed")["mask"].first()
    ticket = table[table["arm"] == "grokked_ticket"].groupby("seed")["mask"].first()
    assert dense.tolist() == ticket.tolist()
    assert found["json"]["n_masks"] == table["mask"].nunique()


def test_numbers_are_those_of_the_mask(found, tiny_run):
    files = RunDir(tiny_run).arm("random", 1)
    kept = files.mask()
    layers = tuple(kept[name] for name in ("W_E", "W_in", "W_out", "W_U"))
    own = found[""].query("arm == 'random' and seed == 1").set_index(["where", "statistic"])["value"]
    for construction in ("layered", "folded"):
        for name, value in properties(layers, construction).items():
            assert own[construction, name] == pytest.approx(value, nan_ok=True)
    W = files.checkpoints("W_in")["W_in"][-1]
    for name, value in expander_properties(files.mask()["W_in"], W).items():
        assert own["W_in", name] == pytest.approx(value, nan_ok=True)


def test_equal_masks_keep_their_own_weights(found):
    own = found[""].query("statistic == 'weighted_sigma_1' and where == 'W_E'")
    last = own[own["arm"].isin(["dense", "grokked_ticket"]) & own["step"].isin([8000, 1000])]
    assert last.groupby("seed")["mask"].nunique().tolist() == [1, 1]
    everywhere = found["_weights"].query("statistic == 'weighted_sigma_1' and where == 'W_E'")
    counts = everywhere.groupby(["arm", "seed"]).size()
    assert counts.loc["dense"].tolist() == [7, 7] and counts.loc["grokked_ticket"].tolist() == [4, 4]


@pytest.fixture(scope="module")
def beside_nulls(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("nulls")
    wanted = ["--arms", "random", "grokked_ticket", "--jobs", "1", "--no-plot"]
    assert main(["--run", str(tiny_run), "--out", str(out), *wanted]) == 0
    return pd.read_parquet(out / "analyses" / "graph_props.parquet")


def test_a_random_mask_is_like_its_null(beside_nulls):
    own = beside_nulls.query("arm == 'random'")
    z = own[["density_z", "degree_z"]].stack().dropna()
    assert len(z) > 50
    assert (z.abs() < 5).all() and abs(z.mean()) < 0.5 and 0.5 < z.std() < 1.6
    assert (own["density_n"] <= 20).all() and (own["density_n"] == 20).any()


def test_a_trained_mask_stands_out(beside_nulls):
    own = beside_nulls.query("arm == 'grokked_ticket' and where == 'layered' and statistic == 'degree_cv'")
    assert (own["density_z"] > 3).all()


def test_processes_change_nothing(tiny_run, tmp_path):
    wanted = ["--run", str(tiny_run), "--no-plot", "--nulls", "2", "--arms", "dense", "--json"]
    for jobs in ("1", "2"):
        assert main([*wanted, "--out", str(tmp_path / jobs), "--jobs", jobs]) == 0
    one, two = ((tmp_path / jobs / "analyses" / "graph_props.parquet").read_bytes() for jobs in ("1", "2"))
    assert one == two


def test_the_seed_moves_the_nulls_alone(tiny_run, tmp_path):
    wanted = ["--run", str(tiny_run), "--no-plot", "--nulls", "2", "--arms", "random", "--jobs", "1"]
    for seed in ("0", "1"):
        assert main([*wanted, "--out", str(tmp_path / seed), "--seed", seed]) == 0
    one, two = (pd.read_parquet(tmp_path / seed / "analyses" / "graph_props.parquet") for seed in "01")
    np.testing.assert_array_equal(one["value"], two["value"])
    same = np.isclose(one["density_mean"], two["density_mean"], equal_nan=True)
    assert not same.all()


def test_without_nulls(tiny_run, tmp_path, capsys):
    wanted = ["--run", str(tiny_run), "--no-plot", "--nulls", "0", "--arms", "random", "--jobs", "1"]
    assert main([*wanted, "--out", str(tmp_path)]) == 0
    table = pd.read_parquet(tmp_path / "analyses" / "graph_props.parquet")
    assert table["density_z"].isna().all() and "z against" not in capsys.readouterr().out


def test_every_run_with_masks(tiny_copy, tmp_path, capsys, monkeypatch):
    runs = tiny_copy.parent
    (runs / "no_run").mkdir()
    wanted = ["--runs", str(runs), "--no-plot", "--nulls", "0", "--arms", "random", "--jobs", "1"]
    assert main(wanted) == 0
    assert (tiny_copy / "analyses" / "graph_props.csv").exists()
    assert str(tiny_copy) in capsys.readouterr().out
    assert main([*wanted, "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "tiny")
    assert main(["--no-plot"]) == 2
    assert capsys.readouterr().err == (
        "error: no run with masks in runs: 'python -m training modadd_fast' makes one\n"
    )


@pytest.mark.parametrize("value", ["1", "-1", "many"])
def test_a_number_of_nulls_that_cannot_be(value, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--nulls", value])
    assert stop.value.code == 2 and "--nulls" in capsys.readouterr().err
