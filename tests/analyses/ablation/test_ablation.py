"""Command `analyses.ablation`: its tables on planted networks, its refusals."""

import numpy as np
import pandas as pd
import pytest
from builders import run_analysis, saved_tables

from analyses.ablation.measured_rows import rank_correlation, smallest_circuit
from analyses.ablation.schema import AGREEMENT, ANALYSIS, CIRCUITS, FREQUENCIES, NETWORKS, REMOVALS, SETS


@pytest.fixture(scope="module")
def tables(analysed):
    return {table: analysed.table(table) for table in ANALYSIS}


def test_every_checkpoint_has_its_removals(tables, planted):
    removals = tables[REMOVALS]
    for arm, steps in planted["steps"].items():
        rows = removals[(removals["arm"] == arm) & (removals["component"] == "network")]
        assert rows["step"].tolist() == [*steps, *steps]  # two seeds
    last = removals[(removals["arm"] == "dense") & (removals["step"] == 8000) & (removals["seed"] == 0)]
    groups = sorted(set(planted["frequency"].tolist()))
    by_group = last[last["component"] == "frequency"]
    assert sorted(set(by_group["unit"])) == groups
    assert set(by_group["removal"]) == {"mean", "zero", "resample", "alone"}
    counts = dict(zip(by_group["unit"], by_group["n_neurons"], strict=True))
    assert counts == {k: int((planted["frequency"] == k).sum()) for k in groups}
    assert len(last[last["component"] == "neuron"]) == 3 * planted["n_neurons"]
    assert len(last[(last["component"] == "embedding")]) == planted["p"] // 2
    assert removals[(removals["component"] == "neuron") & (removals["step"] < 1000)].empty


def test_a_dead_neuron_costs_nothing_and_frequencies_without_neurons_neither(tables, planted):
    removals = tables[REMOVALS]
    last = removals[(removals["arm"] == "dense") & (removals["step"] == 8000)]
    base = last[last["component"] == "network"].set_index("seed")["all_loss"]
    dead = last[(last["component"] == "neuron") & (last["unit"] == planted["n_neurons"] - 1)]
    for row in dead.itertuples():
        assert row.all_loss == pytest.approx(base[row.seed])
    unused = sorted({*range(1, planted["p"] // 2 + 1)} - set(planted["frequency"].tolist()))
    waves = last[(last["component"] == "embedding") & last["unit"].isin(unused)]
    assert len(waves) and all(r.all_loss == pytest.approx(base[r.seed], rel=1e-4) for r in waves.itertuples())


def test_importance_is_the_increase_of_the_loss_on_test_pairs(tables):
    removals, frequencies = tables[REMOVALS], tables[FREQUENCIES]
    key = ["arm", "seed", "step"]
    base = removals[removals["component"] == "network"].set_index(key)["test_loss"]
    for removal in ("mean", "zero", "resample"):
        rows = removals[(removals["component"] == "frequency") & (removals["removal"] == removal)]
        expected = rows["test_loss"].to_numpy() - base.loc[pd.MultiIndex.from_frame(rows[key])].to_numpy()
        known = frequencies.set_index([*key, "frequency"])[f"by_{removal}"]
        index = pd.MultiIndex.from_arrays([*(rows[name] for name in key), rows["unit"]])
        np.testing.assert_allclose(known.loc[index], expected, atol=1e-12)
    assert (frequencies["n_neurons"] == 0).equals(frequencies["by_mean"].isna())
    assert frequencies["power"].between(0, 1).all()


def test_a_full_set_is_the_network_and_an_empty_one_removes_nothing(tables):
    circuits, removals = tables[CIRCUITS], tables[REMOVALS]
    base = removals[removals["component"] == "network"].set_index(["arm", "seed", "step"])
    for (arm, seed, step), rows in circuits.groupby(["arm", "seed", "step"]):
        whole = base.loc[(arm, seed, step)]
        for order, curve in rows.groupby("order"):
            last = curve[curve["size"] == curve["size"].max()].iloc[0]
            assert last["kept_loss"] == pytest.approx(whole["test_loss"], rel=1e-9)
            if order == "greedy":
                first = curve[curve["size"] == 0].iloc[0]
                assert first["without_loss"] == pytest.approx(whole["test_loss"], rel=1e-9)
                assert first["kept_loss"] == pytest.approx(last["without_loss"], rel=1e-9)
                assert first["single_sum"] == 0 and curve["frequency"].is_unique
    greedy = circuits[circuits["order"] == "greedy"]
    assert (greedy["kept_acc_low"] == greedy["kept_acc"]).all()


def test_sets_are_left_out_by_every_way_of_removal(tables):
    sets, circuits, removals = tables[SETS], tables[CIRCUITS], tables[REMOVALS]
    key = ["arm", "seed", "step"]
    greedy = circuits[circuits["order"] == "greedy"]
    base = removals[removals["component"] == "network"].set_index(key)["test_loss"]
    alone = removals[removals["component"] == "frequency"].set_index([*key, "unit", "removal"])["test_loss"]
    for removal in ("mean", "zero", "resample"):
        rows = sets[sets["removal"] == removal]
        assert rows[[*key, "size", "frequency"]].to_numpy().tolist() == (
            greedy[[*key, "size", "frequency"]].to_numpy().tolist()
        )
        first = rows[rows["size"] == 1]
        for row in first.itertuples():
            of = (row.arm, row.seed, row.step)
            single = alone.loc[(*of, row.frequency, removal)]
            assert row.without_loss == pytest.approx(single, rel=1e-9)
            assert row.single_sum == pytest.approx(single - base.loc[of], abs=1e-9)
        for _, network in rows.groupby(key):
            assert network["faithfulness"].iloc[[0, -1]].tolist() == pytest.approx([0, 1])
            assert network["completeness"].iloc[[0, -1]].tolist() == pytest.approx([0, 1])
    by_mean = sets[sets["removal"] == "mean"]
    for name in ("kept_loss", "without_loss", "single_sum"):
        np.testing.assert_allclose(by_mean[name], greedy[name], rtol=1e-12)
    shares = by_mean.set_index([*key, "size"])
    for row in tables[NETWORKS].dropna(subset=["completeness"]).itertuples():
        own = shares.loc[(row.arm, row.seed, row.step, row.smallest_greedy)]
        assert own["completeness"] == pytest.approx(row.completeness)
        assert own["faithfulness"] == pytest.approx(row.faithfulness)


def circuit_table(order, kept_acc, margins, without, single):
    sizes = range(len(kept_acc))
    return pd.DataFrame(
        {"order": order, "size": sizes, "kept_acc": kept_acc, "kept_margin": margins, "kept_loss": 0.5}
        | {"without_margin": without, "single_sum": single, "n_neurons": [3 * size for size in sizes]}
    )


def test_the_smallest_circuit_and_its_shares_are_by_definition():
    greedy = circuit_table("greedy", [0, 0.5, 0.96, 1], [-2, 0, 6, 8], [8, 3, -1, -2], [0, 1, 2, 2.1])
    random = circuit_table("random", [0, 0.2, 0.5, 1], [0, 0, 0, 0], [np.nan] * 4, [np.nan] * 4)
    row = smallest_circuit(pd.concat([greedy, random]), base_loss=0.4, base_acc=1.0)
    assert (row["n_groups"], row["smallest_greedy"], row["smallest_random"]) == (3, 2, 3)
    assert row["circuit_neurons"] == 6
    assert row["faithfulness"] == pytest.approx(0.8) and row["completeness"] == pytest.approx(0.9)
    assert row["outside_single"] == pytest.approx(0.1) and row["outside_together"] == pytest.approx(0.1)
    bad = smallest_circuit(pd.concat([greedy, random]), base_loss=0.4, base_acc=0.9)
    assert bad["smallest_greedy"] is None and bad["faithfulness"] is None


def test_ranks_agree_disagree_or_are_unknown():
    x = np.array([1.0, 2.0, 5.0, 9.0])
    assert rank_correlation(x, x**3) == pytest.approx(1)
    assert rank_correlation(x, -x) == pytest.approx(-1)
    for y in (np.ones(4), np.array([1, 2, np.nan, 3])):
        assert np.isnan(rank_correlation(x, y))
    assert np.isnan(rank_correlation(x[:2], x[:2]))


def test_agreement_and_networks_have_a_row_each(tables, planted):
    n_checkpoints = 2 * sum(map(len, planted["steps"].values()))
    assert len(tables[AGREEMENT]) == n_checkpoints
    assert len(tables[NETWORKS]) == 2 * len(planted["steps"])
    assert tables[AGREEMENT]["neurons_rank"].dropna().between(-1, 1).all()


def test_chosen_components_alone_are_removed(tiny_run, tmp_path):
    done = run_analysis(
        "ablation", tiny_run, "--components", "logits", "--arms", "dense", "--out", str(tmp_path)
    )
    assert done.code == 0
    found = saved_tables(tmp_path, ANALYSIS)
    assert set(found[REMOVALS]["component"]) == {"network", "logits"}
    assert found[CIRCUITS].empty and found[NETWORKS].empty and found[SETS].empty
    assert found[FREQUENCIES]["by_mean"].isna().all() and found[FREQUENCIES]["by_logits"].notna().all()


def test_a_component_that_no_network_has_is_refused_in_one_line(tiny_run, tmp_path):
    refused = run_analysis("ablation", tiny_run, "--components", "head", "--out", str(tmp_path))
    assert refused.code != 0
    assert (
        "--components: expected some of circuit, embedding, frequency, logits, neuron, which" in refused.err
    )
    assert refused.err.strip().count("\n") == 0 and not list(tmp_path.iterdir())
