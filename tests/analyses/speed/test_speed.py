"""Comparisons of arms whose times, masks' sources and accuracies are planted."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from analyses.speed.accuracy_at_steps import accuracy_at
from analyses.speed.command import main
from analyses.speed.comparisons import comparisons, doses, known_times, reference_of, ticket_of
from figures.__main__ import main as draw
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

TICKET = {"method": "magnitude", "source": "dense"}


def recipe_of(arms, seeds=(0, 1, 2), task=None):
    content = {"name": "planted", "seeds": list(seeds), "task": task or {"name": "add", "p": 7}}
    content |= {"model": {"name": "mlp"} if task else {"d_emb": 4, "d_mlp": 3}, "arms": arms}
    return recipe_from_dict(content)


def write_run(path, recipe, curves, source_steps=None):
    """A run of these curves: per arm and seed a table of metrics; the weights are left at zero."""
    run = RunDir(path)
    run.write_recipe("", to_dict(recipe))
    run.add_provenance({"commit": "none"})
    for (arm, seed), metrics in curves.items():
        files, own = run.arm(arm, seed), recipe.arms[arm]
        last = int(metrics["step"][-1])
        zeros = {
            name: np.zeros((1, *shape), dtype=np.float32)
            for name, shape in recipe.setting(arm).shapes().items()
        }
        files.write_checkpoints(np.array([last]), zeros)
        if own.prunes:
            files.write_mask({name: np.ones(w.shape[1:], dtype=bool) for name, w in zeros.items()})
        files.write_metrics(metrics)
        source = {"arm": own.source, "seed": seed, "step": (source_steps or {}).get(arm, last)}
        record = arm_record(recipe, arm, seed) | {"steps": last, "source": source if own.source else None}
        files.finish(record)
    return run.path


def curve(t_mem, t_gen, last):
    """Metrics of a network that crosses at these steps; never for a time beyond the last step."""
    step = np.arange(0, last + 1, 10)
    train, test = np.where(step >= t_mem, 1.0, 0.1), np.where(step >= t_gen, 0.99, 0.2)
    return {
        "step": step,
        "train_loss": 1 - train,
        "test_loss": 1 - test,
        "train_acc": train,
        "test_acc": test,
    }


def tables_of(out):
    names = ("", "_pairs", "_arms", "_doses", "_survival", "_fixed_steps", "_sources")
    return {name: pd.read_parquet(out / "analyses" / f"speed{name}.parquet") for name in names}


def speed(path, *more):
    assert main(["--run", str(path), "--no-plot", *more]) == 0
    return tables_of(path)


# the tiny run


@pytest.fixture(scope="module")
def found(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("speed")
    assert main(["--run", str(tiny_run), "--out", str(out), "--no-plot"]) == 0
    return tables_of(out) | {"json": json.loads((out / "analyses" / "speed.json").read_text())}


def test_ratios_of_the_tiny_run(found):
    rows = found[""].set_index(["role", "arm", "quantity"])
    sooner = rows.loc[("reference", "grokked_ticket", "t_gen")]
    assert sooner["ratio"] == pytest.approx(np.sqrt(20 * 25)) and sooner["ratio_bound"] == "="
    assert 19.99 < sooner["low"] < sooner["ratio"] < sooner["high"] < 25.01
    assert (sooner["least"], sooner["largest"], sooner["n"]) == (20, 25, 2)
    assert rows.loc[("reference", "grokked_ticket", "t_mem"), "ratio"] == 1
    assert rows.loc[("reference", "grokked_ticket", "tau"), "ratio"] == pytest.approx(sooner["ratio"])
    slower = rows.loc[("ticket", "random", "t_gen")]
    assert (slower["numerator"], slower["denominator"]) == ("random", "grokked_ticket")
    assert (slower["ratio"], slower["ratio_bound"]) == (pytest.approx(2000 / 300), ">")
    assert np.isnan(slower["low"]) and np.isnan(slower["least"])
    assert (
        slower["n_numerator_censored"],
        slower["n_denominator_censored"],
        slower["log_rank_n_events"],
    ) == (2, 0, 2)
    assert slower["log_rank_z"] > 0
    assert rows.loc[("reference", "random", "t_gen"), "ratio_bound"] == "<"
    by_seed = found["_pairs"].query("role == 'reference' and arm == 'grokked_ticket' and quantity == 't_gen'")
    assert by_seed.set_index("seed")["ratio"].to_dict() == {0: 20, 1: 25}


def test_arms_of_the_tiny_run(found, planted):
    arms = found["_arms"].set_index("arm")
    assert arms["t_gen_median"].to_dict() == {"dense": 6000, "grokked_ticket": 300, "random": 2000}
    assert arms["t_gen_median_bound"].to_dict() == {"dense": "=", "grokked_ticket": "=", "random": ">"}
    assert arms["t_gen_censored"].to_dict() == {"dense": 0, "grokked_ticket": 0, "random": 2}
    assert arms["tau_median"].to_dict() == {"dense": 60, "grokked_ticket": 3, "random": 20}
    assert arms.loc["random", ["train_acc", "test_acc"]].tolist() == [1, 0.1]
    assert arms["sparsity"].tolist() == [0, planted["sparsity"], planted["sparsity"]]
    dense = found["_survival"].query("arm == 'dense'")
    assert dense[["step", "share"]].to_numpy().tolist() == [[0, 1], [6000, 0.5], [7500, 0]]
    assert found["_survival"].query("arm == 'random'")["n_censored"].tolist() == [0, 2]
    assert found["_doses"].empty and found["json"]["correlations"] == []


def test_the_text_says_bounds_as_bounds(tiny_run, tmp_path, capsys):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["random", "0.25", "2", "2", "100", ">", "2,000", ">", "20.0", "1.00", "0.100"] in lines
    assert lines[lines.index(["arm", "/", "grokked", "ticket:"]) + 2][:4] == ["random", "2", ">", "6.67"]
    assert "nan" not in out.lower()


def test_skipped_arms_are_not_counted(tiny_copy):
    for seed in (0, 1):
        folder = tiny_copy / "arms" / "random" / f"seed_{seed}"
        record = json.loads((folder / "DONE").read_text())
        (folder / "DONE").unlink()
        (folder / "SKIPPED").write_text(json.dumps({"hash": record["hash"], "reason": "its source was lost"}))
    tables = speed(tiny_copy)
    arms = tables["_arms"].set_index("arm")
    assert arms.loc["random", ["n", "n_not_trained"]].tolist() == [0, 2]
    assert np.isnan(arms.loc["random", "t_gen_median"]) and np.isnan(arms.loc["random", "test_acc"])
    of_random = tables[""].query("arm == 'random'")
    assert (of_random["n"] == 0).all() and of_random["ratio"].isna().all()
    assert draw(["speed", "--run", str(tiny_copy)]) == 0


# which arms are compared


def test_every_arm_has_the_reference_of_its_lineage():
    arms = {"sub_dense": {}, "sub_ticket": TICKET | {"source": "sub_dense"}, "mul_dense": {}}
    arms |= {"mul_ticket": TICKET | {"source": "mul_dense"}}
    arms |= {"mul_shuffled": {"method": "shuffled", "source": "mul_ticket"}}
    recipe = recipe_of(arms)
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
    assert [ticket_of(recipe, arm) for arm in recipe.arms] == ["ticket", "ticket", None, None, "ticket"]
    assert [reference_of(recipe, arm) for arm in recipe.arms] == [None, *["dense"] * 4]


def test_another_task_is_not_measured_against_dense():
    arms = {"dense": {}, "random": {"method": "random"}, "mul_random": {"method": "random"}}
    arms["mul_random"] |= {"task": {"name": "mul"}}
    recipe = recipe_of(arms)
    assert [reference_of(recipe, arm) for arm in arms] == [None, "dense", None]


def test_an_arm_to_measure_against_must_be_there(tiny_run, tmp_path, capsys):
    wanted = ["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--against"]
    assert main([*wanted, "ticket"]) == 2
    assert "--against: expected one of dense, grokked_ticket, random, got ticket" in capsys.readouterr().err
    assert main([*wanted, "random"]) == 0
    rows = tables_of(tmp_path)[""].query("role == 'reference' and quantity == 't_gen'")
    assert rows[["numerator", "denominator"]].to_numpy().tolist() == [
        ["random", "dense"],
        ["random", "grokked_ticket"],
    ]
    with pytest.raises(SystemExit, match="2"):
        main([*wanted, "random", "--at", "soon"])


def test_what_is_known_of_a_time():
    row = {"arm": "a", "seed": 0, "status": "done", "t_mem": 100, "t_gen": None, "tau": None}
    row |= {"t_mem_after": 90, "t_gen_after": 5000, "tau_lower": 50.0}
    assert known_times([row], "a", "t_gen") == {0: (5000, False)}
    assert known_times([row], "a", "t_mem") == {0: (100, True)}
    assert known_times([row | {"t_gen_after": 0}], "a", "t_gen") == {}  # without a test set
    assert known_times([row], "a", "tau") == {0: (50, False)}
    assert known_times([row | {"tau_lower": 0.0, "t_mem": None}], "a", "tau") == {}
    assert known_times([row | {"t_gen": 200, "t_mem": None}], "a", "tau") == {}
    assert known_times([row | {"status": "skipped"}], "a", "t_gen") == known_times([row], "b", "t_gen") == {}


def test_doses_are_the_arms_of_one_method_by_sparsity(tmp_path):
    sparsities = {"ticket_9": 0.9, "ticket_5": 0.5, "ticket_7": 0.7}
    arms = {"dense": {}} | {arm: TICKET | {"sparsity": s} for arm, s in sparsities.items()}
    recipe = recipe_of(arms | {"random": {"method": "random"}}, seeds=[0, 1])
    t_gen = {"dense": 4000, "ticket_9": 9990, "ticket_5": 600, "ticket_7": 300, "random": 2000}
    curves = {(arm, seed): curve(100 + 100 * seed, t, 5000) for arm, t in t_gen.items() for seed in (0, 1)}
    path = write_run(tmp_path / "doses", recipe, curves)
    table = speed(path)["_doses"]
    assert table["arm"].drop_duplicates().tolist() == ["dense", "ticket_5", "ticket_7", "ticket_9"]
    assert table["tau"].tolist() == [40, 20, 6, 3, 3, 1.5, 50, 25]
    assert table["tau_bound"].tolist() == ["="] * 6 + [">"] * 2
    assert draw(["speed", "--run", str(path)]) == 0
    drawn = pd.read_csv(path / "figures" / "speed.csv").query("panel == 'median tau'")
    expected = [[0, 20], [0.5, 3], [0.7, 1.5], [0.9, np.nan]]  # where only a bound is known the line ends
    np.testing.assert_equal(drawn[["x", "y"]].to_numpy(), expected)
    assert doses(recipe, [{"arm": "dense"}, {"arm": "ticket_5"}]) == []


# accuracies at fixed steps


def test_accuracy_at_a_step_is_the_last_measured_one():
    metrics = pd.DataFrame({"step": [0, 10, 20], "test_acc": [0.1, 0.5, 0.9]})
    assert [accuracy_at(metrics, step) for step in (0, 9, 10, 20, 21)] == [0.1, 0.1, 0.5, 0.9, None]


def slow_spearman(x, y):
    """Pearson's correlation of ranks, ties sharing their mean rank."""
    return np.corrcoef(rankdata(x), rankdata(y))[0, 1]


def timing_run(path, n_tickets=5, constant=False):
    """Tickets taken every 100 steps from dense networks of rising accuracy; theirs goes with it, noisily."""
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
            own = {"step": step[: last // 10 + 1]}
            own |= {name: np.full(len(own["step"]), level) for name in ("train_acc", "test_acc")}
            own |= dict.fromkeys(("train_loss", "test_loss"), 1 - own["test_acc"])
            curves[f"taken_at_{taken}", seed] = own
    return write_run(path, recipe, curves, steps), curves, steps


def test_tickets_go_with_the_network_that_their_mask_came_from(tmp_path, capsys):
    path, curves, steps = timing_run(tmp_path / "timing")
    assert main(["--run", str(path), "--no-plot", "--at", "100", "200"]) == 0
    assert "Spearman's correlation" in capsys.readouterr().out
    found = json.loads((path / "analyses" / "speed.json").read_text())["correlations"]
    points = {
        (seed, arm): (curves["dense", seed]["test_acc"][taken // 10], curves[arm, seed]["test_acc"][0])
        for seed in (0, 1)
        for arm, taken in steps.items()
    }
    assert [(row["step"], row["seed"], row["n"]) for row in found] == [
        *((100, 0, 5), (100, 1, 5), (100, None, 10)),
        *((200, 0, 5), (200, 1, 4), (200, None, 9)),
    ]
    for row in found:
        trained = {
            key: point
            for key, point in points.items()
            if row["seed"] in (None, key[0]) and not (row["step"] == 200 and key == (1, "taken_at_0"))
        }
        assert row["spearman"] == pytest.approx(slow_spearman(*zip(*trained.values(), strict=True)))
    sources = tables_of(path)["_sources"]
    assert sources.query("seed == 1")["source_acc"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_without_ranks_or_with_few_tickets_there_is_no_correlation(tmp_path, capsys):
    few, _, _ = timing_run(tmp_path / "few", n_tickets=3)
    assert main(["--run", str(few), "--no-plot", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["correlations"] == []
    flat, _, _ = timing_run(tmp_path / "flat", constant=True)
    assert main(["--run", str(flat), "--no-plot", "--json", "--at", "100"]) == 0
    found = json.loads(capsys.readouterr().out)["correlations"]
    assert [row["spearman"] for row in found] == [None, None, None]


# regression


def test_a_task_without_accuracies_is_compared_by_its_losses(tmp_path, capsys):
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
    path = write_run(tmp_path / "polynomial", recipe, curves)
    rows = speed(path, "--at", "100")[""].set_index("quantity")
    assert rows.loc["t_gen", "ratio"] == pytest.approx(np.sqrt(2 * 500 / 300))
    out = capsys.readouterr().out
    assert ["ticket", "0.60", "2", "0", "100", "200", "2.00", "-", "-"] in [
        line.split() for line in out.splitlines()
    ]
    assert "nan" not in out.lower()
    assert draw(["speed", "--run", str(path)]) == 0
