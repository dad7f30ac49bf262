"""Command `analyses.patching`: its tables on planted networks, its refusals."""

import json

import numpy as np
import pytest
import torch
from builders import error_line, run_analysis, saved_tables

from analyses.loading.chosen_networks import open_networks
from analyses.loading.judged_pairs import judged_pairs
from analyses.patching.command import N_PAIRS, PAIR_SEED
from analyses.patching.schema import ANALYSIS, ATTRIBUTION, PATCHES
from analyses.patching.sites import Runs
from training.inspection.hooked_network import load_hooked


@pytest.fixture(scope="module")
def tables(analysed):
    return {table: analysed.table(table) for table in ANALYSIS}


def last(table, arm="dense", step=8000):
    return table[(table["arm"] == arm) & (table["step"] == step) & (table["seed"] == 0)]


def test_every_checkpoint_has_its_sites_and_single_neurons_the_last(tables, planted):
    patches = tables[PATCHES]
    groups = sorted(set(planted["frequency"].tolist()))
    for arm, steps in planted["steps"].items():
        of_arm = patches[patches["arm"] == arm]
        assert of_arm.loc[of_arm["site"] == "neurons", "step"].tolist() == [*steps, *steps]  # two seeds
    rows = last(patches)
    assert rows.loc[rows["site"] == "frequency", "unit"].tolist() == groups
    assert (rows["site"] == "neuron").sum() == planted["n_neurons"]
    assert last(patches, step=100).query("site == 'neuron'").empty
    counts = rows[rows["site"] == "frequency"].set_index("unit")["n_neurons"].to_dict()
    assert counts == {k: int((planted["frequency"] == k).sum()) for k in groups}


def test_neurons_recover_all_and_their_groups_sum_to_it(tables, planted):
    for step in (6000, 8000):
        rows = last(tables[PATCHES], step=step)
        share = rows.groupby("site")["recovered"].sum()
        keys = rows.loc[(rows["site"] == "frequency") & rows["is_key"], "recovered"].sum()
        assert share["neurons"] == pytest.approx(1, abs=1e-9)
        assert keys + share["rest"] == pytest.approx(1, abs=1e-9)
        assert (
            rows["low"].le(rows["recovered"] + 1e-12).all()
            and rows["high"].ge(rows["recovered"] - 1e-12).all()
        )
    rows = last(tables[PATCHES]).set_index(["site", "unit"])
    assert rows.loc[("neuron", planted["n_neurons"] - 1), "recovered"] == 0  # the dead one
    assert rows["clean_difference"].iloc[0] > 0 > rows["corrupted_difference"].iloc[0]


def test_parts_of_the_logits_sum_to_them(tables):
    attribution = tables[ATTRIBUTION]
    for _, rows in attribution.groupby(["arm", "seed", "step"]):
        network = rows[rows["component"] == "network"].iloc[0]
        parts = rows[rows["component"].isin(("frequency", "rest", "around"))]
        for logit in ("right", "ghost", "mean"):
            assert parts[logit].sum() == pytest.approx(network[logit], abs=1e-10)
    neurons = last(attribution).query("component == 'neuron'")
    whole = last(attribution).query("component == 'network'")
    assert neurons["right"].sum() == pytest.approx(whole["right"].item(), abs=1e-10)


def test_options_are_recorded_and_change_the_runs(tiny_run, tmp_path, tables):
    chosen = ("--arms", "dense", "--seeds", "0", "--steps", "8000")
    done = run_analysis(
        "patching", tiny_run, *chosen, "--pairs", "20", "--pair-seed", "7", "--out", str(tmp_path)
    )
    assert done.code == 0, done.err
    found = saved_tables(tmp_path, ANALYSIS)[PATCHES]
    summary = json.loads(next(tmp_path.rglob("patching.json")).read_text())
    assert (summary["pairs"], summary["pair_seed"]) == (20, 7)
    both = found["patched_difference"].to_numpy(), last(tables[PATCHES])["patched_difference"].to_numpy()
    assert np.abs(both[0] - both[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--pairs", "1", "--pairs: expected at least 2, which an interval needs, got 1"),
        ("--pair-seed", "-1", "--pair-seed: expected a whole number from 0, got -1"),
    ],
)
def test_one_pair_or_a_negative_seed_is_refused_in_one_line(tiny_run, tmp_path, option, value, words):
    refused = run_analysis("patching", tiny_run, option, value, "--out", str(tmp_path))
    assert refused.code == 2 and words in error_line(refused.err)
    assert not list(tmp_path.iterdir())


def test_saved_differences_equal_hooks_on_the_loaded_network(tables, analysed, planted):
    """One hook at a time, on the network and the runs that the table is of."""
    network = load_hooked(analysed.path, "dense", 0, 8000)
    (saved,) = open_networks(analysed.path, ["dense"], [0]).finished
    runs = Runs.drawn(judged_pairs(saved.setting.task), N_PAIRS, PAIR_SEED)
    clean, corrupted = torch.from_numpy(runs.clean), torch.from_numpy(runs.corrupted)
    _, cache = network.run_with_cache(clean)
    rows = last(tables[PATCHES])
    keys = rows.query("is_key and site == 'frequency'")["unit"].tolist()
    frequency = np.append(planted["frequency"], 0)  # the last neuron is dead
    members = {"frequency": lambda k: frequency == k, "neuron": lambda i: np.arange(len(frequency)) == i}
    members |= {"rest": lambda _: ~np.isin(frequency, keys), "neurons": lambda _: frequency >= 0}
    at, right, other = torch.arange(N_PAIRS), torch.from_numpy(runs.right), torch.from_numpy(runs.other)
    assert (
        rows.query("is_key and site == 'neuron'")["unit"].tolist()
        == np.flatnonzero(np.isin(frequency, keys)).tolist()
    )
    for row in rows.itertuples():
        chosen = np.array([row.unit]) if row.site == "input" else np.flatnonzero(members[row.site](row.unit))

        def put(value, hook, chosen=chosen):
            new = value.clone()
            new[:, chosen] = cache[hook.name][:, chosen]
            return new

        logits = network.run_with_hooks(corrupted, fwd_hooks=[(row.hook, put)]).detach()
        difference = (logits[at, right] - logits[at, other]).mean().item()
        assert row.patched_difference == pytest.approx(difference, abs=1e-10)
