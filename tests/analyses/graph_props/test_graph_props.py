import json

import numpy as np
import pandas as pd
import pytest
from builders import saved_tables

from analyses.graph_props.command import main, measure
from analyses.graph_props.schema import ANALYSIS, PROPERTIES, WEIGHTS
from analyses.graph_props.summary import summarise
from analyses.graph_props.tables import mask_tables
from analyses.loading.chosen_networks import open_networks
from analyses.tables.origin import read_origin
from interp.graphs.expander_spectrum import expander_properties
from interp.graphs.graph_measures import properties
from training.runs.run_directory import RunDir


def networks_of(path, *arms):
    return open_networks(str(path), arms or None).finished


@pytest.fixture(scope="module")
def out(tiny_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph_props")
    arguments = ["--run", str(tiny_run), "--out", str(path), "--no-plot", "--jobs", "1", "--nulls", "0"]
    assert main(arguments) == 0
    return path


@pytest.fixture(scope="module")
def tables(out):
    return saved_tables(out, ANALYSIS)


def test_equal_masks_are_measured_once(out, tables, tiny_run, planted):
    table = tables[PROPERTIES]
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
    summary = json.loads((out / "analyses" / "graph_props.json").read_text())
    assert summary["n_masks"] == table["mask"].nunique() and summary["n_nulls"] == 0


def test_numbers_equal_those_of_the_mask(tables, tiny_run):
    files = RunDir(tiny_run).arm("random", 1)
    mask = files.mask()
    layers = tuple(mask[name] for name in ("W_E", "W_in", "W_out", "W_U"))
    rows = tables[PROPERTIES].query("arm == 'random' and seed == 1")
    numbers = rows.set_index(["where", "statistic"])["value"]
    for construction in ("layered", "folded"):
        for name, value in properties(layers, construction).items():
            assert numbers[construction, name] == pytest.approx(value, nan_ok=True)
    W = files.checkpoints("W_in")["W_in"][-1]
    for name, value in expander_properties(mask["W_in"], W).items():
        assert numbers["W_in", name] == pytest.approx(value, nan_ok=True)


def test_equal_masks_of_different_weights_have_separate_weighted_rows(tables):
    rows = tables[PROPERTIES].query("statistic == 'weighted_sigma_1' and where == 'W_E'")
    last = rows[rows["arm"].isin(["dense", "grokked_ticket"]) & rows["step"].isin([8000, 1000])]
    assert last.groupby("seed")["mask"].nunique().tolist() == [1, 1]
    everywhere = tables[WEIGHTS].query("statistic == 'weighted_sigma_1' and where == 'W_E'")
    counts = everywhere.groupby(["arm", "seed"]).size()
    assert counts.loc["dense"].tolist() == [7, 7] and counts.loc["grokked_ticket"].tolist() == [4, 4]


@pytest.fixture(scope="module")
def compared(tiny_run):
    """Return the result for pruned arms with twenty random masks."""
    return measure(networks_of(tiny_run, "random", "grokked_ticket"), 20, 0, 1)


def test_a_random_mask_is_typical_of_random_masks(compared):
    rows = compared.tables[PROPERTIES].query("arm == 'random'")
    z = rows[["density_z", "degree_z"]].stack().dropna()
    assert len(z) > 50
    assert (z.abs() < 5).all() and abs(z.mean()) < 0.5 and 0.5 < z.std() < 1.6
    assert (rows["density_n"] <= 20).all() and (rows["density_n"] == 20).any()


def test_a_trained_mask_differs_from_random_masks(compared):
    rows = compared.tables[PROPERTIES].query(
        "arm == 'grokked_ticket' and where == 'layered' and statistic == 'degree_cv'"
    )
    assert (rows["density_z"] > 3).all()


def test_the_graph_table_concludes_on_the_ticket(compared):
    layered, gaps = [table for table in compared.printed if not table.details]
    (conclusion, *_) = layered.conclusion.split("\n")
    both, densities = conclusion.split("; from those of the same densities alone in ")
    assert both.startswith("grokked ticket differs from random masks of the same densities and of the same ")
    means = {
        row["statistic"]: row
        for row in compared.summary["last"]
        if row["where"] == "layered" and row["arm"] == "grokked_ticket"
    }
    assert abs(means["degree_cv"]["density_z"]) > 2 and "variation of degrees" in densities
    has_both = all(abs(means["latapy_clustering"][z]) > 2 for z in ("density_z", "degree_z"))
    assert ("Latapy clustering" in both) == has_both
    assert "grokked ticket against random masks of the same degrees: wider gap in" in gaps.conclusion
    assert all(len({header for row in table.rows for header in row}) <= 7 for table in compared.printed)


def test_arms_with_one_mask_are_named_and_dense_trends_printed(tables):
    _, printed = summarise(tables, 0)
    layered, _, trends = [table for table in printed if not table.details]
    assert layered.conclusion.startswith("One mask by construction: dense = grokked ticket.")
    assert "(--nulls 0) there is nothing to compare" in layered.conclusion
    assert trends.title.startswith("Magnitude masks of unpruned networks")
    assert [row["statistic"] for row in trends.rows] == [row["statistic"] for row in layered.rows]


def test_the_number_of_processes_changes_nothing(tiny_run):
    networks = networks_of(tiny_run, "dense")
    (one, one_weights), (two, two_weights) = (mask_tables(networks, 2, 0, jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    pd.testing.assert_frame_equal(one_weights, two_weights, check_exact=True)


def test_the_seed_changes_only_the_random_masks(tiny_run):
    networks = networks_of(tiny_run, "random")
    (one, _), (two, _) = (mask_tables(networks, 2, seed, 1) for seed in (0, 1))
    np.testing.assert_array_equal(one["value"], two["value"])
    assert not np.isclose(one["density_mean"], two["density_mean"], equal_nan=True).all()


def test_without_random_masks_z_is_nan(tables, out, capsys):
    assert tables[PROPERTIES]["density_z"].isna().all() and (tables[PROPERTIES]["density_n"] == 0).all()
    assert read_origin(out / "analyses" / "graph_props.parquet").arguments == {"nulls": 0}


def test_every_run_with_masks_below_a_folder_is_analysed(tiny_copy, tmp_path, capsys, monkeypatch):
    runs = tiny_copy.parent
    (runs / "no_run").mkdir()
    arguments = ["--runs", str(runs), "--no-plot", "--nulls", "0", "--arms", "random", "--jobs", "1"]
    assert main(arguments) == 0
    folder = tiny_copy / "with_arguments" / "arms_random_nulls_0"
    assert (folder / "analyses" / "graph_props.csv").exists()
    assert str(tiny_copy) in capsys.readouterr().out
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "tiny")
    assert main(["--no-plot"]) == 2
    assert capsys.readouterr().err == (
        "error: no run with masks in runs: 'python -m training modadd_fast' makes one\n"
    )


@pytest.mark.parametrize("value", ["1", "-1", "many"])
def test_an_impossible_number_of_random_masks_is_refused(value, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--nulls", value])
    assert stop.value.code == 2 and "--nulls" in capsys.readouterr().err
