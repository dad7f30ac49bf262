"""Comparisons of arms with planted times, sources and accuracies."""

import json

import numpy as np
import pandas as pd
import pytest
from builders import begin_run, metrics_of, saved_tables, skip_arm
from scipy.stats import rankdata, ttest_1samp

from analyses.loading.chosen_networks import open_networks
from analyses.loading.reference_arms import dense_reference, ticket_reference
from analyses.speed.accuracy_at_steps import accuracy_at
from analyses.speed.command import main, measure
from analyses.speed.comparisons import comparisons, tau_by_sparsity
from analyses.speed.schema import (
    ANALYSIS,
    ARMS,
    CORRELATIONS,
    DOSES,
    FIXED_STEPS,
    PAIRS,
    RATIOS,
    SOURCES,
    SURVIVAL,
)
from analyses.speed.summary import printed_tables
from analyses.tables.origin import read_origin
from analyses.tables.storage import fit_to_schema, with_roles
from figures.speed import time_to_generalize
from training.cli.printed_table import render
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict

TICKET = {"method": "magnitude", "source": "dense"}


def recipe_of(arms, seeds=(0, 1, 2), task=None):
    content = {"name": "planted", "seeds": list(seeds), "task": task or {"name": "add", "p": 7}}
    content |= {"model": {"name": "mlp"} if task else {"d_emb": 4, "d_mlp": 3}, "arms": arms}
    return recipe_from_dict(content)


def write_run(path, recipe, curves, source_steps=None):
    """Write a run with given curves and with all weights zero."""
    run = begin_run(path, recipe)
    for (arm, seed), metrics in curves.items():
        files, settings = run.arm(arm, seed), recipe.arms[arm]
        last = int(metrics["step"][-1])
        zeros = {
            name: np.zeros((1, *shape), dtype=np.float32)
            for name, shape in recipe.setting(arm).shapes().items()
        }
        files.write_checkpoints(np.array([last]), zeros)
        if settings.prunes:
            files.write_mask({name: np.ones(w.shape[1:], dtype=bool) for name, w in zeros.items()})
        files.write_metrics(metrics)
        source = {"arm": settings.source, "seed": seed, "step": (source_steps or {}).get(arm, last)}
        record = arm_record(recipe, arm, seed) | {
            "steps": last,
            "source": source if settings.source else None,
        }
        files.finish(record)
    return run.path


def curve(t_mem, t_gen, last):
    """Return metrics that cross the threshold at t_mem and t_gen."""
    step = np.arange(0, last + 1, 10)
    return metrics_of(step, np.where(step >= t_mem, 1.0, 0.1), np.where(step >= t_gen, 0.99, 0.2))


def speed(path, **arguments):
    """Return the tables of a run without saving them."""
    opened, networks, _ = open_networks(str(path))
    return measure(opened.files, networks, **arguments).tables


def text_of(tables):
    return render(printed_tables(tables), verbose=True)


def lines_of(text):
    return [line.split() for line in text.splitlines()]


# the tiny run


@pytest.fixture(scope="module")
def tables(analysed):
    return analysed.measured(ANALYSIS)


def test_ratios_of_the_tiny_run(tables):
    rows = tables[RATIOS].set_index(["role", "arm", "quantity"])
    ticket = rows.loc[("reference", "grokked_ticket", "t_gen")]
    assert ticket["ratio"] == pytest.approx(np.sqrt(20 * 25)) and ticket["ratio_bound"] == "="
    ends = ttest_1samp(np.log([20, 25]), 0).confidence_interval()
    np.testing.assert_allclose(np.log(ticket[["low", "high"]].to_list()), ends)
    assert (ticket["least"], ticket["largest"], ticket["n"]) == (20, 25, 2)
    assert (ticket["numerator_role"], ticket["denominator_role"]) == ("dense", "ticket")
    assert rows.loc[("reference", "grokked_ticket", "t_mem"), "ratio"] == 1
    assert rows.loc[("reference", "grokked_ticket", "tau"), "ratio"] == pytest.approx(ticket["ratio"])
    random = rows.loc[("ticket", "random", "t_gen")]
    assert (random["numerator"], random["denominator"]) == ("random", "grokked_ticket")
    assert (random["ratio"], random["ratio_bound"]) == (pytest.approx(2000 / 300), ">")
    assert np.isnan(random["low"]) and np.isnan(random["least"])
    assert (
        random["n_numerator_censored"],
        random["n_denominator_censored"],
        random["log_rank_n_events"],
    ) == (2, 0, 2)
    assert random["log_rank_z"] > 0
    assert (random["log_rank_p"], random["log_rank_kind"]) == (pytest.approx(1 / 3), "exact")  # 2 against 2
    assert rows.loc[("reference", "random", "t_gen"), "ratio_bound"] == "<"
    by_seed = tables[PAIRS].query("role == 'reference' and arm == 'grokked_ticket' and quantity == 't_gen'")
    assert by_seed.set_index("seed")["ratio"].to_dict() == {0: 20, 1: 25}


def test_arms_of_the_tiny_run(tables, planted):
    arms = tables[ARMS].set_index("arm")
    assert arms["t_gen_median"].to_dict() == {"dense": 6000, "grokked_ticket": 300, "random": 2000}
    assert arms["t_gen_median_bound"].to_dict() == {"dense": "=", "grokked_ticket": "=", "random": ">"}
    assert arms["t_gen_censored"].to_dict() == {"dense": 0, "grokked_ticket": 0, "random": 2}
    assert arms["tau_median"].to_dict() == {"dense": 60, "grokked_ticket": 3, "random": 20}
    assert arms.loc["random", ["train_acc", "test_acc"]].tolist() == [1, 0.1]
    assert arms["sparsity"].tolist() == [0, planted["sparsity"], planted["sparsity"]]
    dense = tables[SURVIVAL].query("arm == 'dense'")
    assert dense[["step", "share"]].to_numpy().tolist() == [[0, 1], [6000, 0.5], [7500, 0]]
    assert tables[SURVIVAL].query("arm == 'random'")["n_censored"].tolist() == [0, 2]
    assert tables[DOSES].empty and list(tables[DOSES]) == [column.name for column in DOSES.columns]
    assert tables["json"]["correlations"] == []


def test_bounds_are_printed_as_bounds_and_used_in_conclusions(tables):
    text = text_of(tables)
    random = ["random", "mask", "0.25", "2", "of", "2", "100", ">", "2,000", ">", "20.0", "0.100", "1.00"]
    assert random in lines_of(text)
    ratios = text.split("Ratios of times: arm / grokked ticket.")[1]
    assert ["random", "mask", "2", ">", "6.67", "-"] in [line[:6] for line in lines_of(ratios)]
    assert "Earliest to generalise: grokked ticket (median t_gen 300 steps)." in text
    assert "Generalises earlier than dense: grokked ticket (22.4 times)." in text
    assert "Generalises later than grokked ticket: random mask (at least 6.67 times)." in ratios
    assert "nan" not in text.lower()


def test_one_seed_has_no_interval(tiny_run):
    opened, networks, _ = open_networks(str(tiny_run))
    tables = measure(opened.files, [network for network in networks if network.seed == 0]).tables
    ratio = text_of(tables).split("Ratios of times: dense / arm.")[1]
    (ticket,) = [line for line in lines_of(ratio) if line[:2] == ["grokked", "ticket"] and "1" in line]
    assert ticket[2:7] == ["1", "20.0", "n", "=", "1"] and ticket[-3:] == ["n", "=", "1"]
    assert "20.0 to 20.0" not in ratio


def test_skipped_arms_are_not_counted(tiny_copy):
    skip_arm(tiny_copy, "random", "its source was lost")
    assert main(["--run", str(tiny_copy), "--no-plot"]) == 0
    tables = saved_tables(tiny_copy, ANALYSIS)
    arms = tables[ARMS].set_index("arm")
    assert arms.loc["random", ["n", "n_not_trained"]].tolist() == [0, 2]
    assert np.isnan(arms.loc["random", "t_gen_median"]) and np.isnan(arms.loc["random", "test_acc"])
    of_random = tables[RATIOS].query("arm == 'random'")
    assert (of_random["n"] == 0).all() and of_random["ratio"].isna().all()
    drawn = time_to_generalize.draw(tables).table()
    assert set(drawn.query("panel == 'mean ratio ='")["series"]) == {"grokked_ticket"}


# which arms are compared


def test_every_arm_has_the_reference_of_its_lineage():
    arms = {"sub_dense": {}, "sub_ticket": TICKET | {"source": "sub_dense"}, "mul_dense": {}}
    arms |= {"mul_ticket": TICKET | {"source": "mul_dense"}}
    arms |= {"mul_shuffled": {"method": "shuffled", "source": "mul_ticket"}}
    recipe = recipe_of({arm: settings | {"task": {"name": arm[:3]}} for arm, settings in arms.items()})
    pairs = [(c["numerator"], c["denominator"]) for c in comparisons(recipe, list(arms), None)]
    assert pairs == [
        ("sub_dense", "sub_ticket"),
        ("mul_dense", "mul_ticket"),
        ("mul_dense", "mul_shuffled"),
        ("mul_shuffled", "mul_ticket"),
    ]
    against = [(c["role"], c["denominator"]) for c in comparisons(recipe, list(arms), "mul_ticket")]
    assert against[:4] == [("reference", arm) for arm in arms if arm != "mul_ticket"]


def test_the_ticket_is_the_first_rewound_magnitude_arm():
    arms = {"dense": {}, "signs": TICKET | {"start": "signed_constant"}, "ticket": TICKET, "later": TICKET}
    recipe = recipe_of(arms | {"random": {"method": "random"}})
    tickets = [ticket_reference(recipe, arm) for arm in recipe.arms]
    assert tickets == ["ticket", "ticket", None, None, "ticket"]
    assert [dense_reference(recipe, arm) for arm in recipe.arms] == [None, *["dense"] * 4]


def test_another_dense_arm_is_compared_with_the_first():
    recipe = recipe_of({"adamw": {}, "sgd": {"optimizer": {"name": "sgd"}}})
    (pair,) = comparisons(recipe, list(recipe.arms), None)
    assert (pair["numerator"], pair["denominator"]) == ("adamw", "sgd")


def test_another_task_is_not_measured_against_dense():
    arms = {"dense": {}, "random": {"method": "random"}, "mul_random": {"method": "random"}}
    arms["mul_random"] |= {"task": {"name": "mul"}}
    recipe = recipe_of(arms)
    assert [dense_reference(recipe, arm) for arm in arms] == [None, "dense", None]


def test_arms_are_compared_with_a_given_arm_that_has_to_exist(tiny_run, tmp_path, capsys):
    arguments = ["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--against"]
    assert main([*arguments, "ticket"]) == 2
    assert "--against: expected one of dense, grokked_ticket, random, got ticket" in capsys.readouterr().err
    assert main([*arguments, "random", "--at", "500", "500"]) == 0
    rows = saved_tables(tmp_path, [RATIOS])[RATIOS].query("role == 'reference' and quantity == 't_gen'")
    assert rows[["numerator", "denominator"]].to_numpy().tolist() == [
        ["random", "dense"],
        ["random", "grokked_ticket"],
    ]
    origin = read_origin(tmp_path / "analyses" / "speed.parquet")
    assert origin.arguments == {"against": "random", "at": [500, 500]}
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, "random", "--at", "soon"])


def test_survival_has_two_shares_at_step_0_if_a_network_starts_generalised(tmp_path):
    recipe = recipe_of({"dense": {}}, seeds=[0, 1])
    path = write_run(tmp_path / "run", recipe, {("dense", s): curve(0, 100 * s, 200) for s in (0, 1)})
    assert main(["--run", str(path), "--no-plot"]) == 0
    survival = saved_tables(path, [SURVIVAL])[SURVIVAL]
    assert survival[["step", "share"]].to_numpy().tolist() == [[0, 1], [0, 0.5], [100, 0]]


def test_tau_by_sparsity_of_arms_of_one_method(tmp_path):
    sparsities = {"ticket_9": 0.9, "ticket_5": 0.5, "ticket_7": 0.7}
    arms = {"dense": {}} | {arm: TICKET | {"sparsity": s} for arm, s in sparsities.items()}
    recipe = recipe_of(arms | {"random": {"method": "random"}}, seeds=[0, 1])
    t_gen = {"dense": 4000, "ticket_9": 9990, "ticket_5": 600, "ticket_7": 300, "random": 2000}
    curves = {(arm, seed): curve(100 + 100 * seed, t, 5000) for arm, t in t_gen.items() for seed in (0, 1)}
    path = write_run(tmp_path / "doses", recipe, curves)
    tables = speed(path)
    table = tables[DOSES]
    assert table["arm"].drop_duplicates().tolist() == ["dense", "ticket_5", "ticket_7", "ticket_9"]
    assert table["tau"].tolist() == [40, 20, 6, 3, 3, 1.5, 50, 25]
    assert table["tau_bound"].tolist() == ["="] * 6 + [">"] * 2
    tables = {table: fit_to_schema(table, with_roles(table, rows, {})) for table, rows in tables.items()}
    drawn = time_to_generalize.draw(tables).table().query("panel == 'median tau'")
    expected = [[0, 20], [0.5, 3], [0.7, 1.5], [0.9, np.nan]]  # where only a bound is known the line ends
    np.testing.assert_equal(drawn[["x", "y"]].to_numpy(), expected)
    assert tau_by_sparsity(recipe, [{"arm": "dense"}, {"arm": "ticket_5"}]) == []


# accuracies at fixed steps


def test_accuracy_at_a_step_is_the_last_measured_one():
    metrics = pd.DataFrame({"step": [0, 10, 20], "test_acc": [0.1, 0.5, 0.9]})
    assert [accuracy_at(metrics, step) for step in (0, 9, 10, 20, 21)] == [0.1, 0.1, 0.5, 0.9, None]


def slow_spearman(x, y):
    """Return Pearson's correlation of ranks, with mean ranks for ties."""
    return np.corrcoef(rankdata(x), rankdata(y))[0, 1]


def timing_run(path, n_tickets=5, constant=False):
    """Write a run with accuracies of tickets that rise with their source's."""
    rng = np.random.default_rng(0)
    steps = {f"taken_at_{100 * i}": 100 * i for i in range(n_tickets)}
    recipe = recipe_of({"dense": {}} | dict.fromkeys(steps, TICKET), seeds=[0, 1])
    step = np.arange(0, 501, 10)
    curves = {}
    for seed in (0, 1):
        rise = {"step": step, "test_acc": step / 500 * (0.9 + 0.1 * seed), "train_acc": np.ones(len(step))}
        curves["dense", seed] = rise | {"train_loss": step * 0.0, "test_loss": step * 0.0}
        for taken in steps.values():
            level = 0.5 if constant else taken / 1000 + rng.uniform(0, 0.2)
            last = 150 if (taken, seed) == (0, 1) else 500
            metrics = {"step": step[: last // 10 + 1]}
            metrics |= {name: np.full(len(metrics["step"]), level) for name in ("train_acc", "test_acc")}
            metrics |= dict.fromkeys(("train_loss", "test_loss"), 1 - metrics["test_acc"])
            curves[f"taken_at_{taken}", seed] = metrics
    return write_run(path, recipe, curves, steps), curves, steps


def test_rank_correlation_of_tickets_with_their_sources(tmp_path, capsys):
    path, curves, steps = timing_run(tmp_path / "timing")
    assert main(["--run", str(path), "--no-plot", "--at", "100", "200"]) == 0
    assert "Rank correlation of tickets' test accuracies" in capsys.readouterr().out
    folder = path / "with_arguments" / "at_100_200"
    correlations = json.loads((folder / "analyses" / "speed.json").read_text())["correlations"]
    points = {
        (seed, arm): (curves["dense", seed]["test_acc"][taken // 10], curves[arm, seed]["test_acc"][0])
        for seed in (0, 1)
        for arm, taken in steps.items()
    }
    assert [(row["step"], row["seed"], row["n"]) for row in correlations] == [
        *((100, 0, 5), (100, 1, 5), (100, None, 10)),
        *((200, 0, 5), (200, 1, 4), (200, None, 9)),
    ]
    for row in correlations:
        trained = {
            key: point
            for key, point in points.items()
            if row["seed"] in (None, key[0]) and not (row["step"] == 200 and key == (1, "taken_at_0"))
        }
        assert row["spearman"] == pytest.approx(slow_spearman(*zip(*trained.values(), strict=True)))
    tables = saved_tables(folder, ANALYSIS)
    sources = tables[SOURCES]
    assert set(sources["source_role"]) == {"dense"} and set(tables[CORRELATIONS]["seed"].dropna()) == {0, 1}
    assert tables[FIXED_STEPS].groupby("step")["test_acc"].count().to_dict() == {100: 12, 200: 11}
    assert sources.query("seed == 1")["source_acc"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_without_ranks_or_with_few_tickets_there_is_no_correlation(tmp_path):
    few, _, _ = timing_run(tmp_path / "few", n_tickets=3)
    assert speed(few)[CORRELATIONS].empty
    flat, _, _ = timing_run(tmp_path / "flat", constant=True)
    correlations = speed(flat, at=[100])[CORRELATIONS]
    assert len(correlations) == 3 and correlations["spearman"].isna().all()


# regression


def test_a_task_without_accuracies_is_compared_by_its_losses(tmp_path):
    recipe = recipe_of({"dense": {}, "ticket": TICKET}, seeds=[0, 1], task={"name": "polynomial"})
    level = recipe.setting("dense").criterion.level
    curves = {}
    for arm, t_gen in (("dense", 400), ("ticket", 200)):
        for seed in (0, 1):
            metrics = curve(100, t_gen + 100 * seed, 600)
            for loss, accuracy in (("train_loss", "train_acc"), ("test_loss", "test_acc")):
                metrics[loss] = np.where(metrics[accuracy] > 0.9, level / 2, level * 2)
                metrics[accuracy] = np.full(61, np.nan)
            curves[arm, seed] = metrics
    tables = speed(write_run(tmp_path / "polynomial", recipe, curves), at=[100])
    rows = tables[RATIOS].set_index("quantity")
    assert rows.loc["t_gen", "ratio"] == pytest.approx(np.sqrt(2 * 500 / 300))
    text = text_of(tables)
    assert ["ticket", "0.60", "0", "of", "2", "100", "200", "2.00", "-", "-"] in lines_of(text)
    assert "nan" not in text.lower()
