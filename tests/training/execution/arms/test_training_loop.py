"""Training in this process, from the start to DONE."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from builders import LoneChannel, PowerCut, changed_recipe, stop_after, train_group, train_group_of

import training.execution.arms.training_loop
import training.runs.atomic_files
from training.cli.parser import Interrupted
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.execution.arms.jobs import Job
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

ARMS = ("dense", "grokked_ticket", "random", "shuffled")


def train_one(recipe, path, *arms, **options):
    return train_group_of(recipe, RunDir(path), *arms, **options)


def kept_counts(mask):
    return {name: int(m.sum()) for name, m in mask.items()}


# --- what a finished run holds --------------------------------------------------------------------------


def test_every_arm_has_all_its_files(finished, recipe):
    for arm in ARMS:
        files = finished.arm(arm, 0)
        done = files.done()
        assert {k: done[k] for k in ("hash", "config")} == arm_record(recipe, arm, 0)
        assert done["steps"] == files.steps()[-1] == files.metrics()["step"].iloc[-1]
        assert not files.has_state() and files.skipped() is None
        names = {file.name for file in files.path.iterdir() if file.name != ".lock"}
        mask = {"mask.safetensors"} if arm != "dense" else set()
        assert names == {"metrics.parquet", "checkpoints.safetensors", "final_state.pt", "DONE"} | mask


def test_all_arms_of_a_seed_share_their_start(finished, recipe):
    theta = {name: w.numpy() for name, w in recipe.setting("dense").initial_weights(0).items()}
    for arm in ARMS:
        files = finished.arm(arm, 0)
        mask = files.mask() or dict.fromkeys(theta, True)
        assert files.steps()[0] == 0
        for name, stacked in files.checkpoints().items():
            np.testing.assert_array_equal(stacked[0], theta[name] * mask[name])


def test_pruned_weights_are_zero_in_every_checkpoint_and_the_others_are_not(finished):
    for arm in ARMS[1:]:
        files = finished.arm(arm, 0)
        mask = files.mask()
        for name, stacked in files.checkpoints().items():
            assert not stacked[:, ~mask[name]].any()
            assert (stacked[:, mask[name]] != 0).mean() > 0.9


def test_masks_have_the_expected_counts(finished):
    total = 7 * 12 + 12 * 16 + 16 * 12 + 12 * 7
    counts = {arm: kept_counts(finished.arm(arm, 0).mask()) for arm in ARMS[1:]}
    assert sum(counts["grokked_ticket"].values()) == total - int(0.6 * total)
    assert sum(counts["random"].values()) == total - int(0.6 * total)
    assert counts["shuffled"] == counts["grokked_ticket"] != counts["random"]
    ticket, shuffled = (finished.arm(arm, 0).mask() for arm in ("grokked_ticket", "shuffled"))
    assert all((ticket[name] != shuffled[name]).any() for name in ticket)


def test_the_ticket_keeps_the_largest_weights_of_the_last_dense_checkpoint(finished):
    final = {name: np.abs(w[-1]) for name, w in finished.arm("dense", 0).checkpoints().items()}
    mask = finished.arm("grokked_ticket", 0).mask()
    largest = np.concatenate([final[name][mask[name]] for name in final])
    pruned = np.concatenate([final[name][~mask[name]] for name in final])
    assert largest.min() > pruned.max() > 0
    source = finished.arm("grokked_ticket", 0).done()["source"]
    last = int(finished.arm("dense", 0).steps()[-1])
    assert source == {"arm": "dense", "seed": 0, "step": last, "generalised": True, "test_acc": 1.0}


def test_metrics_are_measured_at_regular_steps_and_at_the_end(finished):
    for arm, last in [("dense", 150), ("random", 125), ("shuffled", 130)]:
        steps = finished.arm(arm, 0).metrics()["step"].tolist()
        assert steps == [*range(0, last, 10), last]


def test_checkpoints_are_saved_at_their_steps_and_at_the_end(finished):
    assert finished.arm("dense", 0).steps().tolist() == [0, 20, 40, 60, 100, 150]
    assert finished.arm("random", 0).steps().tolist() == [0, 20, 40, 60, 100, 125]


def test_norms_in_the_metrics_equal_those_of_the_checkpoints(finished):
    files = finished.arm("grokked_ticket", 0)
    metrics = files.metrics().set_index("step")
    for i, step in enumerate(files.steps()):
        flat = np.concatenate([w[i].ravel() for w in files.checkpoints().values()]).astype(np.float64)
        assert metrics.loc[step, "l1"] == pytest.approx(np.abs(flat).sum(), rel=1e-6)
        assert metrics.loc[step, "l2"] == pytest.approx(np.linalg.norm(flat), rel=1e-6)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(finished, recipe, tmp_path, files_of):
    train_one(recipe, tmp_path, "dense")
    again = files_of(tmp_path)
    assert len(again) == 4
    assert {name: files_of(finished.path)[name] for name in again} == again
    train_one(recipe, tmp_path, "dense", seed=1)
    first, other = (RunDir(tmp_path).arm("dense", seed).checkpoints()["W_E"] for seed in (0, 1))
    assert (first[0] != other[0]).all()


# --- the stop rule --------------------------------------------------------------------------------------


def test_no_steps_change_nothing(content, tmp_path):
    recipe = changed_recipe(
        content, "arms.dense.max_steps=0", "arms.dense.min_steps=0", "arms.random.max_steps=0"
    )
    train_one(recipe, tmp_path, "dense")
    train_one(recipe, tmp_path, "random")
    theta = {name: w.numpy() for name, w in recipe.setting("dense").initial_weights(0).items()}
    for arm in ("dense", "random"):
        files = RunDir(tmp_path).arm(arm, 0)
        mask = files.mask() or dict.fromkeys(theta, True)
        assert files.done()["steps"] == 0 and files.steps().tolist() == [0]
        for name, stacked in files.checkpoints().items():
            np.testing.assert_array_equal(stacked[0], theta[name] * mask[name])


@pytest.mark.parametrize(
    ("min_steps", "max_steps", "settle_steps", "after_generalising"),
    [(0, 500, 0, 0), (0, 500, 30, 30), (0, 500, 35, 40), (200, 500, 30, None), (205, 500, 30, None)],
)
def test_an_arm_ends_once_it_has_settled_and_made_its_minimum_steps(
    content, tmp_path, min_steps, max_steps, settle_steps, after_generalising
):
    arm = {"min_steps": min_steps, "max_steps": max_steps, "settle_steps": settle_steps}
    recipe = recipe_from_dict(content | {"arms": {"dense": arm}})
    train_one(recipe, tmp_path, "dense")
    metrics = RunDir(tmp_path).arm("dense", 0).metrics()
    t_gen = int(metrics["step"][(metrics["test_acc"] >= 0.95).argmax()])
    assert 0 < t_gen < 150
    expected = t_gen + after_generalising if after_generalising is not None else -(-min_steps // 10) * 10
    assert metrics["step"].iloc[-1] == expected


def test_an_arm_that_never_generalises_ends_at_its_budget(content, tmp_path):
    arm = {"min_steps": 20, "max_steps": 47, "settle_steps": 10}
    recipe = recipe_from_dict(content | {"arms": {"dense": arm}})
    train_one(recipe, tmp_path, "dense")
    metrics = RunDir(tmp_path).arm("dense", 0).metrics()
    assert metrics["step"].tolist() == [0, 10, 20, 30, 40, 47]
    assert metrics["test_acc"].max() < 0.95


@pytest.mark.parametrize(("loss", "accuracy"), [(0.05, 1.0), (10.0, 0.2), (0.02, 0.1), (1e-12, 1.0)])
def test_flat_curves_end_an_arm_before_its_minimum_steps(content, tmp_path, loss, accuracy):
    arm = {"min_steps": 400, "max_steps": 400}
    train_one(recipe_from_dict(content | {"arms": {"dense": arm}}), tmp_path / "full", "dense")
    full = RunDir(tmp_path / "full").arm("dense", 0).metrics()
    expected = 400
    for step in (100, 150, 200, 250, 300, 350):
        recent = full[(full["step"] > step - 50) & (full["step"] <= step)]
        moved = {name: recent[name].max() - recent[name].min() for name in recent}
        losses, accuracies = ([moved[f"{part}_{of}"] for part in ("train", "test")] for of in ("loss", "acc"))
        if max(losses) < loss and max(accuracies) < accuracy:
            expected = step
            break
    assert (expected == 400) == (loss == 1e-12)
    arm |= {"plateau": {"from_step": 60, "window": 50, "loss": loss, "accuracy": accuracy}}
    recipe = recipe_from_dict(content | {"arms": {"dense": arm}})
    with pytest.raises(Interrupted):
        train_one(recipe, tmp_path / "flat", "dense", should_stop=stop_after(7))
    train_one(recipe, tmp_path / "flat", "dense")
    pd.testing.assert_frame_equal(
        RunDir(tmp_path / "flat").arm("dense", 0).metrics(), full[full["step"] <= expected]
    )


def test_without_a_test_set_an_arm_trains_to_its_budget_and_gives_no_ticket(content, tmp_path):
    recipe = changed_recipe(content, "task.frac_train=1.0", "arms.dense.max_steps=200")
    assert train_one(recipe, tmp_path, "dense") == []
    metrics = RunDir(tmp_path).arm("dense", 0).metrics()
    assert metrics["step"].iloc[-1] == 200 and metrics["train_acc"].iloc[-1] == 1.0
    assert metrics[["test_loss", "test_acc"]].isna().all(axis=None)
    ((_, reason),) = train_one(recipe, tmp_path, "grokked_ticket")
    assert reason.startswith("its source dense seed 0 has not generalised: it has no test set; ")


# --- arms in one group ----------------------------------------------------------------------------------


def test_a_group_equals_its_arms_trained_one_by_one(finished, recipe, tmp_path):
    train_one(recipe, tmp_path, "dense", "random")  # 150 and 125 steps
    for arm in ("dense", "random"):
        alone, grouped = finished.arm(arm, 0), RunDir(tmp_path).arm(arm, 0)
        assert {**grouped.done(), "start": ""} == {**alone.done(), "start": ""}
        assert grouped.steps().tolist() == alone.steps().tolist()
        assert grouped.metrics()["step"].tolist() == alone.metrics()["step"].tolist()
        np.testing.assert_allclose(grouped.metrics(), alone.metrics(), rtol=2e-3, atol=1e-6)
        for name, stacked in alone.checkpoints().items():
            np.testing.assert_array_equal(grouped.checkpoints()[name][0], stacked[0])
            np.testing.assert_allclose(grouped.checkpoints()[name], stacked, atol=2e-3)


# --- stopping and going on ------------------------------------------------------------------------------


@pytest.fixture
def save_always(monkeypatch):
    monkeypatch.setattr(training.execution.arms.training_loop, "SAVE_SECONDS", -1.0)


@pytest.mark.parametrize("arm", ["dense", "grokked_ticket"])
@pytest.mark.parametrize("stop_at", [1, 2, 7, 12])
def test_interrupted_and_resumed_equals_uninterrupted(copied, finished, recipe, files_of, arm, stop_at):
    files = copied.arm(arm, 0)
    files.clear()
    with pytest.raises(Interrupted):
        train_one(recipe, copied.path, arm, should_stop=stop_after(stop_at - 1))
    assert files.has_state() and files.done() is None
    state = files.state()
    assert state["step"] == 10 * (stop_at - 1) == files.metrics()["step"].iloc[-1]
    if arm == "grokked_ticket":
        mask = files.mask()
        pruned = np.concatenate([~mask[name].ravel() for name in recipe.setting("dense").shapes()])
        for part in ("trained", "mean", "square"):
            assert not state[part][0][torch.from_numpy(pruned)].any()
    train_one(recipe, copied.path, arm)
    assert files_of(copied.path) == files_of(finished.path)


def test_an_interrupted_group_is_resumed_as_a_group(recipe, tmp_path, files_of):
    train_one(recipe, tmp_path / "uncut", "dense", "random")
    with pytest.raises(Interrupted):
        train_one(recipe, tmp_path / "cut", "dense", "random", should_stop=stop_after(5))
    train_one(recipe, tmp_path / "cut", "dense", "random")
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "uncut")


def test_after_a_power_cut_at_any_write_the_resumed_run_is_equal(
    content, tmp_path, monkeypatch, save_always, train_all, files_of
):
    """The power is cut before every write, and after each DONE."""
    arms = {
        "dense": {"min_steps": 40, "max_steps": 40},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 25},
    }
    recipe = changed_recipe(
        content | {"arms": arms}, "measure.eval_every=20", "pruning.require_generalised=false"
    )
    uncut, skipped = train_all(recipe, tmp_path / "uncut")
    expected = files_of(uncut.path)
    write_bytes = training.runs.atomic_files.write_bytes
    writes: list[str] = []
    cut = (0, "before")

    def cut_write(path, data, **how):
        writes.append(path.name)
        if cut == (len(writes), "before"):
            raise PowerCut
        write_bytes(path, data, **how)
        if cut == (len(writes), "after"):
            raise PowerCut

    monkeypatch.setattr(training.runs.atomic_files, "write_bytes", cut_write)
    train_all(recipe, tmp_path / "counting")
    names = list(writes)
    assert skipped == [] and len(names) > 18 and {"state.pt", "mask.safetensors", "DONE"} < set(names)
    cuts = [(n, "before") for n in range(1, len(names) + 1)]
    cuts += [(n, "after") for n, name in enumerate(names, start=1) if name == "DONE"]
    for cut in cuts:
        path = tmp_path / "_".join(map(str, cut))
        writes.clear()
        with pytest.raises(PowerCut):
            train_all(recipe, path)
        done = [arm for arm in arms if RunDir(path).arm(arm, 0).done()]
        for arm in arms:
            if arm not in done:
                train_one(recipe, path, arm)
            RunDir(path).arm(arm, 0).tidy()  # as every start does for an arm that is done
        assert files_of(path) == expected, (cut, writes)


def test_a_state_of_another_config_is_not_resumed(recipe, content, tmp_path):
    with pytest.raises(Interrupted):
        train_one(recipe, tmp_path, "dense", should_stop=stop_after(2))
    other = changed_recipe(content, "optimizer.lr=0.02")
    with pytest.raises(RunError, match="dense/seed_0: was begun with another config; --force trains it anew"):
        train_one(other, tmp_path, "dense")


# --- a ticket's source ----------------------------------------------------------------------------------

NEVER = ("arms.dense.min_steps=20", "arms.dense.max_steps=30")


def test_no_ticket_is_taken_from_a_network_that_has_not_generalised(content, tmp_path, train_all):
    recipe = changed_recipe(content, *NEVER)
    run, skipped = train_all(recipe, tmp_path)
    assert [job.arm for job, _ in skipped] == ["grokked_ticket", "shuffled"]
    reason = run.arm("grokked_ticket", 0).skipped()["reason"]
    last = run.arm("dense", 0).metrics()["test_acc"].iloc[-1]
    assert f"dense seed 0 has not generalised: test accuracy {last:.3g} at step 30; --set arms." in reason
    assert run.arm("shuffled", 0).skipped()["reason"].startswith("its source grokked_ticket seed 0 was not t")
    for arm in ("grokked_ticket", "shuffled"):
        assert run.arm(arm, 0).done() is None and not run.arm(arm, 0).has_checkpoints()
    assert run.arm("random", 0).done() is not None


def test_a_ticket_of_a_network_that_has_not_generalised_is_taken_if_allowed(content, tmp_path, train_all):
    recipe = changed_recipe(content, *NEVER, "pruning.require_generalised=false")
    run, skipped = train_all(recipe, tmp_path)
    assert skipped == []
    source = run.arm("grokked_ticket", 0).done()["source"]
    assert source["generalised"] is False and source["step"] == 30 and source["test_acc"] < 0.95
    assert json.loads((run.path / "arms/dense/seed_0/DONE").read_text())["source"] is None


def test_a_diverging_network_is_skipped_with_the_reason(content, tmp_path, train_all):
    recipe = changed_recipe(content, "optimizer.lr=1e9", "pruning.require_generalised=false")
    run, skipped = train_all(recipe, tmp_path)
    assert {job.arm for job, _ in skipped} == {"dense", "grokked_ticket", "random", "shuffled"}
    for arm in ("dense", "random"):
        reason = run.arm(arm, 0).skipped()["reason"]
        assert reason.startswith("diverged: a loss or norm is not finite at step ")
        assert {file.name for file in run.arm(arm, 0).path.iterdir()} <= {".lock", "SKIPPED"}


def test_every_evaluation_is_reported(recipe, tmp_path):
    channel = LoneChannel()
    train_group(recipe, RunDir(tmp_path), [Job("dense", 0)], channel=channel)
    seen = channel.reports
    metrics = RunDir(tmp_path).arm("dense", 0).metrics()
    assert [step for _, step, _ in seen] == metrics["step"].tolist()
    assert [acc for _, _, acc in seen] == metrics["test_acc"].tolist()
