"""Tests of `analyses.mechanism`: planted frequencies, stages, masks without signs."""

import numpy as np
import pandas as pd
import pytest
from builders import run_analysis, saved_tables

from analyses.mechanism.schema import ANALYSIS, FREQUENCIES, MEANS, STAGES, WINNERS
from analyses.mechanism.summary import half_settled
from analyses.mechanism.tables import partial_starts
from interp.dynamics.frequency_lottery import LOTTERY_RULES
from training.runs.run_directory import RunDir


@pytest.fixture(scope="module")
def tables(analysed):
    return analysed.measured(ANALYSIS)


def weights(run, arm, place, mask=None):
    stacked = RunDir(run).arm(arm, 0).checkpoints()
    return {name: w[place].astype(float) * (mask[name] if mask else 1) for name, w in stacked.items()}


def spectrum(w):
    """Return the input map's amplitudes (m, K), by sums."""
    rows = (w["W_E"] @ w["W_in"]).T
    p = rows.shape[1]
    wave = np.exp(-2j * np.pi * np.outer(np.arange(p), np.arange(1, p // 2 + 1)) / p)
    return np.abs(rows @ wave)


def of(table, arm, seed=0):
    return table[(table["arm"] == arm) & (table["seed"] == seed)]


def test_neurons_settle_on_their_planted_frequencies(tables, tiny_run, planted):
    dense = of(tables[MEANS], "dense").set_index("step")
    assert dense.loc[8000, ["settled", "settled_weighted", "same_frequency"]].tolist() == [1, 1, 1]
    assert dense.loc[8000, "mean_cos"] == pytest.approx(np.cos(planted["D"]).mean(), abs=1e-6)
    first = spectrum(weights(tiny_run, "dense", 0))[:5].argmax(axis=1) + 1
    energy, same = planted["amplitude"] ** 2, first == planted["frequency"]
    assert dense.loc[0, "settled"] == pytest.approx(same.mean())
    assert dense.loc[0, "settled_weighted"] == pytest.approx((energy * same).sum() / energy.sum())
    chance = np.mean([(first == k).mean() for k in planted["frequency"]])
    assert dense.loc[0, "settled_chance"] == pytest.approx(chance)


def test_key_frequencies_follow_from_the_planted_amplitudes(tables, planted):
    energy = np.bincount(planted["frequency"], planted["amplitude"] ** 2, minlength=6)[1:]
    is_key = np.sqrt(energy) >= 0.5 * np.sqrt(energy.max())
    row = of(tables[MEANS], "dense").iloc[-1]
    assert row["n_keys"] == is_key.sum()
    assert row["key_share"] == pytest.approx(energy[is_key].sum() / energy.sum())
    last = of(tables[FREQUENCIES], "grokked_ticket").query("stage == 'dense_end'")
    np.testing.assert_allclose(last["share"], energy / energy.sum(), atol=1e-9)
    assert last["neurons"].tolist() == np.bincount(planted["frequency"], minlength=6)[1:].tolist()
    assert last["key"].tolist() == is_key.tolist()


def test_shares_of_every_stage_are_those_of_its_weights(tables, tiny_run):
    mask = RunDir(tiny_run).arm("grokked_ticket", 0).mask()
    stages = {
        "dense_start": (0, weights(tiny_run, "dense", 0)),
        "dense_t_gen": (6000, weights(tiny_run, "dense", 5)),
        "dense_end": (8000, weights(tiny_run, "dense", -1)),
        "pruned": (8000, weights(tiny_run, "dense", -1, mask)),
        "start": (0, weights(tiny_run, "dense", 0, mask)),
        "end": (1000, weights(tiny_run, "grokked_ticket", -1)),
    }
    shares = of(tables[FREQUENCIES], "grokked_ticket")
    assert list(dict.fromkeys(shares["stage"])) == list(stages)
    for name, (step, w) in stages.items():
        power = (spectrum(w) ** 2).sum(axis=0)
        at_stage = shares[shares["stage"] == name]
        assert set(at_stage["step"]) == {step}
        np.testing.assert_allclose(at_stage["share"], power / power.sum(), atol=1e-9)


def test_a_stage_is_compared_with_both_ends(tables, tiny_run, planted):
    ticket = of(tables[STAGES], "grokked_ticket").set_index(["reference", "stage"])
    for end in ("dense_end", "end"):
        assert ticket.loc[(end, end), ["overlap", "same", "n"]].tolist() == [1, 1, 5]
    mask = RunDir(tiny_run).arm("grokked_ticket", 0).mask()
    start = spectrum(weights(tiny_run, "dense", 0, mask))
    row, n = ticket.loc["dense_end", "start"], int(ticket.loc[("dense_end", "start"), "n_keys"])
    strongest = set(np.argsort(-(start**2).sum(axis=0))[:n] + 1)
    at_end = of(tables[FREQUENCIES], "grokked_ticket").query("stage == 'dense_end' and key")
    key_frequencies = set(at_end["frequency"])
    assert row["common"] == len(strongest & key_frequencies)
    shared, either = strongest & key_frequencies, strongest | key_frequencies
    assert row["overlap"] == pytest.approx(len(shared) / len(either))
    live = start.any(axis=1)[:5]
    assert row["n"] == live.sum()
    assert row["same"] == pytest.approx((start[:5].argmax(axis=1) + 1 == planted["frequency"])[live].mean())


def test_a_random_mask_is_compared_with_the_dense_network_of_its_start(tables):
    rows = tables[STAGES].query("arm == 'random' and reference == 'dense_end'")
    assert rows["seed"].nunique() == 2 and set(rows.query("stage == 'pruned'")["step"]) == {8000}


def test_a_mask_without_its_dense_network_has_no_stages(tiny_run, tmp_path):
    arguments = ("--out", str(tmp_path), "--arms")
    assert run_analysis("mechanism", tiny_run, *arguments, "grokked_ticket", "random").code == 0
    schemas = (STAGES, FREQUENCIES, WINNERS)
    stages, frequencies, winners = saved_tables(tmp_path, schemas).values()
    assert stages.empty and frequencies.empty and set(STAGES.measured_columns) < set(stages)
    assert set(winners["source"]) == {"mask", "mask_doubled", "signs", "start"}
    printed = run_analysis("mechanism", tiny_run, *arguments, "dense")
    winners = saved_tables(tmp_path, [WINNERS])[WINNERS]
    assert set(winners["source"]) == {"start"}
    assert "compared with the dense network's end" not in printed.out


def test_partial_starts_replace_unknown_sizes_by_their_mean_square():
    rng = np.random.default_rng(0)
    start = {"W_E": rng.normal(size=(5, 4)), "W_in": rng.normal(size=(4, 3))}
    mask = {name: rng.random(w.shape) < 0.5 for name, w in start.items()}
    mask["W_in"][:] = False
    starts = partial_starts({name: (w * mask[name])[None] for name, w in start.items()}, mask)
    values = start["W_E"][mask["W_E"]]
    for name, expected in (("mask", np.ones_like(values)), ("signs", np.sign(values)), ("start", None)):
        size = np.sqrt((values**2).mean())
        np.testing.assert_allclose(
            starts[name]["W_E"][mask["W_E"]], values if expected is None else size * expected
        )
        assert not starts[name]["W_E"][~mask["W_E"]].any() and not starts[name]["W_in"].any()


def test_predictions_of_the_winners_by_source(tables, tiny_run):
    rows = of(tables[WINNERS], "random").set_index(["source", "rule"])
    assert set(rows.index) == {
        (source, rule)
        for source in ("mask", "mask_doubled", "signs", "start", "unmasked")
        for rule in LOTTERY_RULES
    }
    mask = RunDir(tiny_run).arm("random", 0).mask()
    last = spectrum(weights(tiny_run, "random", -1)).argmax(axis=1) + 1
    ones = {name: is_kept.astype(float) for name, is_kept in mask.items()}
    twice = np.array([2, 4, 5, 3, 1])  # of 1 to 5, mod 11
    for source, amplitude in (
        ("mask", spectrum(ones)),
        ("mask_doubled", spectrum(ones)[:, twice - 1]),
        ("start", spectrum(weights(tiny_run, "dense", 0, mask))),
        ("unmasked", spectrum(weights(tiny_run, "dense", 0))),
    ):
        named = amplitude.argmax(axis=1) + 1
        row = rows.loc[source, "max_magnitude"]
        assert (row["n"], row["hits"]) == (len(last), (named == last).sum()), source
        assert row["chance"] == 1 / 5 and row["low"] <= row["share"] <= row["high"]


def test_half_settled_is_the_first_step_with_half_of_the_energy():
    curve = {"step": [0, 100, 200], "settled_weighted": [0.2, 0.5, 1.0]}
    dead = {"step": [0, 100, 200], "settled_weighted": [np.nan] * 3}
    table = pd.concat(
        [pd.DataFrame({"arm": "dense", "seed": seed} | c) for seed, c in enumerate((curve, dead))]
    )
    assert half_settled(table) == [{"arm": "dense", "seed": 0, "step": 100}]


def test_the_summary_pools_seeds(tables):
    summary = tables["json"]
    seeds = tables[WINNERS].query("arm == 'random' and source == 'signs' and rule == 'min_blowup_time'")
    (row,) = (
        r
        for r in summary["rules"]
        if (r["arm"], r["source"], r["rule"]) == ("random", "signs", "min_blowup_time")
    )
    assert row["n"] == seeds["n"].sum() and row["share"] == seeds["hits"].sum() / seeds["n"].sum()
    assert (row["low"], row["high"]) == (seeds["low"].min(), seeds["high"].max())
    assert {(r["arm"], r["seed"]) for r in summary["half_settled"]} == {
        (arm, seed) for arm in ("dense", "grokked_ticket", "random") for seed in (0, 1)
    }


def test_printed_conclusions_and_marks_of_comparisons_with_itself(tables, analysed):
    printed = analysed.analyse("mechanism").out
    summary = tables["json"]
    assert max(map(len, printed.splitlines())) <= 100
    start = next(r for r in summary["stages"] if (r["arm"], r["stage"]) == ("grokked_ticket", "start"))
    text = " ".join(printed.split())
    assert f"key frequencies by {start['dense_end_overlap']:.2f} ({start['dense_end_chance']:.2f}" in text
    for stage in ("dense, end", "arm's end"):
        lines = [line for line in printed.splitlines() if line.startswith("grokked ticket")]
        assert next(line for line in lines if stage in line).count("itself") == 2
    assert "grokked ticket, by the least blow-up time: mask alone" in text
