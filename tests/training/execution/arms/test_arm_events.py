"""Events in the trainings of a run: stops, batches, records, and times that evaluations decide."""

import shutil

import numpy as np
import pytest
from builders import event_recipe, stop_after, train_group_of, weights_at

from training.cli.parser import Interrupted
from training.execution.arms.added_checkpoints import add_checkpoints
from training.execution.arms.extension import has_same_sources, reopen
from training.execution.arms.jobs import ArmTask, Job
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

FREEZE = {"name": "freeze", "weights": ["W_E"], "at": 25, "until": 65}
DECAY_OFF = {"name": "set_optimizer", "weight_decay": 0.0, "betas": [0.8, 0.9], "at": 30}
REMOVE = {"name": "remove_frequencies", "weights": ["W_E", "W_U"], "frequencies": [2], "at": 15, "until": 75}
GIVE = {
    "name": "transplant",
    "arm": "dense",
    "step": 100,
    "weights": ["W_E"],
    "frequencies": [1, 3],
    "at": 40,
}
EVENTS = {
    "frozen": [FREEZE],
    "no_decay": [DECAY_OFF],
    "both": [DECAY_OFF, FREEZE],
    "pruned": [{"name": "prune", "method": "magnitude", "sparsity": 0.3, "at": 35}],
    "masked": [{"name": "prune", "mask": "grokked_ticket", "at": 20, "until": 60}],
    "removed": [REMOVE],
    "given": [GIVE | {"frequencies": [1, 3]}],
    "no_keys": [{"name": "remove_frequencies", "weights": ["W_U"], "keys_of": "dense", "at": 15}],
    "plain": [],
}
STEPS = 100


def begun(finished, path):
    """Return a run with the arms that events read."""
    shutil.copytree(finished.path, path)
    return RunDir(path)


@pytest.fixture(scope="module")
def trained(finished, tiny_recipe, tmp_path_factory):
    """Return a run whose arms have had their events, each trained alone."""
    recipe = event_recipe(to_dict(tiny_recipe), EVENTS)
    run = begun(finished, tmp_path_factory.mktemp("events") / "tiny")
    for arm in EVENTS:
        assert train_group_of(recipe, run, arm) == []
    return recipe, run


def test_a_frozen_weight_is_held_to_the_bit_and_moves_before_and_after(trained):
    _, run = trained
    W = weights_at(run.arm("frozen", 0))
    for step in (30, 40, 50, 60):
        np.testing.assert_array_equal(W[step], W[30])
    changed = [(10, 20), (20, 30), (60, 70), (70, 80)]
    assert all((W[a] != W[b]).all() for a, b in changed)
    others = weights_at(run.arm("frozen", 0), "W_in")
    assert (others[30] != others[40]).mean() > 0.9


def test_arms_with_events_are_the_plain_one_until_their_first_event(trained):
    _, run = trained
    plain = weights_at(run.arm("plain", 0))
    for arm in ("frozen", "no_decay", "both"):
        W = weights_at(run.arm(arm, 0))
        np.testing.assert_array_equal(W[20], plain[20])
        assert (W[40] != plain[40]).any()


def test_pruned_and_removed_parts_are_in_no_checkpoint_while_they_last(trained):
    _, run = trained
    mask = run.arm("grokked_ticket", 0).mask()
    for name, is_kept in mask.items():
        W = weights_at(run.arm("masked", 0), name)
        assert all(not W[step][~is_kept].any() for step in (30, 40, 50, 60))
        assert (W[70][~is_kept] != 0).mean() > 0.9 and (W[20][~is_kept] != 0).mean() > 0.9
    pruned = weights_at(run.arm("pruned", 0), "W_in")
    assert all(((pruned[step] == 0) == (pruned[40] == 0)).all() for step in range(40, STEPS, 10))
    n_zero = sum((w[-1] == 0).sum() for w in run.arm("pruned", 0).checkpoints().values())
    total = sum(w[0].size for w in run.arm("pruned", 0).checkpoints().values())
    assert n_zero == int(0.3 * total)
    for step in (20, 70):
        spectrum = abs(np.fft.fft(weights_at(run.arm("removed", 0))[step], axis=0))
        assert spectrum[[2, 5]].max() < 1e-6 * spectrum.max()


def test_a_method_that_leaves_nothing_ends_its_arm_with_the_reason(content, copied):
    impossible = [{"name": "prune", "method": "magnitude", "sparsity": 0.9999, "at": 15}]
    recipe = event_recipe(content, {"none_left": impossible, "plain": []})
    ((job, reason),) = train_group_of(recipe, copied, "none_left", "plain")
    assert job == Job("none_left", 0) and reason == copied.arm("none_left", 0).skipped()["reason"]
    assert reason.startswith("events[0] (prune) at step 15: ") and "would be left without a weight" in reason
    assert copied.arm("plain", 0).done()["steps"] == STEPS


def test_the_record_says_when_events_have_acted(trained):
    _, run = trained
    assert run.arm("both", 0).done()["events"] == [
        {"name": "set_optimizer", "at": 30, "until": STEPS},
        {"name": "freeze", "at": 25, "until": 65},
    ]
    assert run.arm("removed", 0).done()["events"][0]["frequencies"] == [2]
    W_U = run.arm("dense", 0).checkpoints()["W_U"][-1]
    norms = abs(np.fft.fft(W_U.astype(float), axis=1)[:, 1:4]) ** 2
    keys = 1 + np.flatnonzero(norms.sum(axis=0) >= norms.sum(axis=0).max() / 4)
    assert run.arm("no_keys", 0).done()["events"][0]["frequencies"] == keys.tolist()
    assert "events" not in run.arm("plain", 0).done()


def test_arms_with_and_without_events_train_in_one_batch(trained, finished, tmp_path, files_of):
    recipe, run = trained
    together = begun(finished, tmp_path / "tiny")
    assert train_group_of(recipe, together, *EVENTS) == []
    assert files_of(together.path) == files_of(run.path)


@pytest.mark.parametrize("n", [1, 3, 5, 8])
def test_a_stopped_and_resumed_arm_ends_in_the_same_bytes(trained, finished, tmp_path, files_of, n):
    recipe, run = trained
    again = begun(finished, tmp_path / "tiny")
    for arm in EVENTS:
        with pytest.raises(Interrupted):
            train_group_of(recipe, again, arm, should_stop=stop_after(n))
        assert again.arm(arm, 0).has_state()
        assert train_group_of(recipe, again, arm) == []
    assert files_of(again.path) == files_of(run.path)


def test_a_larger_budget_ends_in_the_bytes_of_one_training(content, tmp_path):
    content["arms"] = {"dense": content["arms"]["dense"]}
    short = event_recipe(content, {"both": EVENTS["both"]}, max_steps=40, min_steps=0, settle_steps=1000)
    long = event_recipe(content, {"both": EVENTS["both"]}, max_steps=STEPS, min_steps=0, settle_steps=1000)
    grown, whole = RunDir(tmp_path / "grown" / "tiny"), RunDir(tmp_path / "whole" / "tiny")
    assert train_group_of(short, grown, "both") == []
    assert reopen(long, grown, Job("both", 0))
    assert train_group_of(long, grown, "both") == train_group_of(long, whole, "both") == []
    assert (
        weights_at(grown.arm("both", 0))[STEPS].tobytes() == weights_at(whole.arm("both", 0))[STEPS].tobytes()
    )
    assert grown.arm("both", 0).done()["events"] == whole.arm("both", 0).done()["events"]


def test_checkpoints_are_added_by_a_replay_with_the_events(content, trained, tmp_path):
    _, run = trained
    few, more = (
        event_recipe(content, {"both": EVENTS["both"]}, checkpoints=[{"every": every}]) for every in (50, 10)
    )
    sparse = RunDir(tmp_path / "tiny")
    assert train_group_of(few, sparse, "both") == []
    assert sparse.arm("both", 0).steps().tolist() == [0, 50, 100]
    add_checkpoints(ArmTask(more, sparse, Job("both", 0)), "cpu", lambda: False)
    for name in ("W_E", "W_U"):
        added, saved = (weights_at(files.arm("both", 0), name) for files in (sparse, run))
        assert added.keys() == saved.keys()
        assert all(added[step].tobytes() == saved[step].tobytes() for step in saved)


def test_frequencies_chosen_by_an_arm_stay_though_it_is_trained_on(content, copied):
    removal = {"name": "remove_frequencies", "weights": ["W_U"], "keys_of": "dense", "at": 15}
    recipe = event_recipe(content, {"late": [removal]})
    with pytest.raises(Interrupted):
        train_group_of(recipe, copied, "late", should_stop=stop_after(5))
    files, dense = copied.arm("late", 0), copied.arm("dense", 0)
    (chosen,) = (state["frequencies"] for state in files.state()["events"].values())
    weights = dense.checkpoints()
    weights["W_U"][-1] = np.cos(2 * np.pi * (chosen[0].item() % 3 + 1) * np.arange(7) / 7)
    dense.write_checkpoints(dense.steps(), weights)  # with another key frequency
    assert train_group_of(recipe, copied, "late") == []
    assert files.done()["events"][0]["frequencies"] == chosen.tolist()
    copied.arm("late", 0).clear()
    assert train_group_of(recipe, copied, "late") == []
    assert files.done()["events"][0]["frequencies"] != chosen.tolist()


@pytest.mark.parametrize("steps", [0, 10])
def test_another_runs_arm_is_taken_only_if_what_its_events_read_ended_there_too(
    content, finished, copied, tmp_path, steps
):
    giving = GIVE | {"frequencies": [1]}
    del giving["step"]
    recipe = event_recipe(content, {"given": [giving]})
    other = begun(finished, tmp_path / "other")
    dense = other.arm("dense", 0)
    done = dense.done()
    dense.rewrite_done({**done, "steps": done["steps"] + steps})
    assert has_same_sources(recipe, copied, other, Job("given", 0)) == (steps == 0)
