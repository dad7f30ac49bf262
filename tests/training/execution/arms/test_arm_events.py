"""Events in the trainings of a run: stops, batches, records, and times that evaluations decide."""

import shutil

import numpy as np
import pytest
from builders import LoneChannel, changed_recipe, stop_after, train_group_of

from training.cli.parser import Interrupted
from training.config.arm_config import arm_config, identity_hash
from training.config.build_recipe import recipe_content, recipe_from_dict
from training.config.checks.event_checks import event_notes
from training.execution.arms.added_checkpoints import add_checkpoints
from training.execution.arms.extension import reopen
from training.execution.arms.jobs import ArmTask, Job
from training.execution.arms.training_loop import TrainingLoop
from training.execution.plan import Plan
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


def event_recipe(content, events=EVENTS, **fields):
    """Return the tiny recipe with an arm per list of events."""
    settings = {"max_steps": STEPS, "min_steps": STEPS, "checkpoints": [{"every": 10}], **fields}
    for name, listed in events.items():
        content["arms"][name] = settings | ({"events": listed} if listed else {})
    return changed_recipe(content)


def weights_at(files, name="W_E"):
    """Return a weight by step."""
    return dict(zip(files.steps().tolist(), files.checkpoints()[name], strict=True))


def begun(finished, path):
    """Return a run with the arms that events read."""
    shutil.copytree(finished.path, path)
    return RunDir(path)


@pytest.fixture(scope="module")
def trained(finished, tiny_recipe, tmp_path_factory):
    """Return a run whose arms have had their events, each trained alone."""
    recipe = event_recipe(to_dict(tiny_recipe))
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


# --- times that evaluations decide ----------------------------------------------------------------------


def own_time(run, name):
    """Return the dense arm's t_mem or t_gen at the recipe's stop threshold."""
    metrics = run.arm("dense", 0).metrics()
    column = {"t_mem": "train_acc", "t_gen": "test_acc"}[name]
    return int(metrics.loc[metrics[column] >= 0.95, "step"].iloc[0])


@pytest.mark.parametrize("name", ["t_mem", "t_gen"])
def test_an_event_at_an_own_time_acts_right_after_the_evaluation_that_shows_it(
    content, finished, tmp_path, files_of, name
):
    at = own_time(finished, name)
    named, fixed = ([{"name": "freeze", "at": time, "until": 140}] for time in (name, at))
    of_dense = [{"name": "freeze", "at": name, "of": "dense", "until": 140}]
    arms = {"named": named, "fixed": fixed, "of_dense": of_dense}
    recipe = event_recipe(content, arms, max_steps=150, min_steps=150)
    together, alone = RunDir(tmp_path / "together"), RunDir(tmp_path / "alone")
    for run in (together, alone):
        train_group_of(recipe, run, "dense")
    assert train_group_of(recipe, together, *arms) == []
    for arm in arms:
        with pytest.raises(Interrupted):
            train_group_of(recipe, alone, arm, should_stop=stop_after(at // 10))  # right at the evaluation
        assert alone.arm(arm, 0).state_step() == at
        assert train_group_of(recipe, alone, arm) == []
    assert files_of(together.path) == files_of(alone.path)
    contents = {arm: {f.name: f.read_bytes() for f in together.arm(arm, 0).path.iterdir()} for arm in arms}
    for arm in arms:
        assert together.arm(arm, 0).done()["events"] == [{"name": "freeze", "at": at, "until": 140}]
        for file in ("checkpoints.safetensors", "metrics.parquet"):
            assert contents[arm][file] == contents["fixed"][file]
    W = weights_at(together.arm("named", 0))
    np.testing.assert_array_equal(W[at], W[140])
    assert (W[at] != W[at - 10]).any() and (W[140] != W[150]).any()


def test_an_own_time_is_waited_for_where_evaluations_are_taken_late(content, tmp_path):
    recipe = event_recipe(content, {"named": [{"name": "freeze", "at": "t_mem"}]}, max_steps=150)
    runs = []
    for is_pipelined in (False, True):
        runs.append(RunDir(tmp_path / str(is_pipelined)))
        tasks = [ArmTask(recipe, runs[-1], Job("named", 0))]
        loop = TrainingLoop("cpu", LoneChannel(), is_pipelined=is_pipelined)
        with loop.locks:
            loop.train(tasks)
    one, other = (weights_at(run.arm("named", 0)) for run in runs)
    assert all(one[step].tobytes() == other[step].tobytes() for step in one)


def test_a_branch_counts_its_sources_times_from_where_it_begins(content, copied):
    at = own_time(copied, "t_gen")
    branch = {"source": "dense", "from_step": 40, "moments": "keep", "max_steps": 100}
    events = {"late": [{"name": "freeze", "at": "t_gen", "of": "dense"}]}
    recipe = event_recipe(content, events, **branch, min_steps=100)
    assert train_group_of(recipe, copied, "late") == []
    assert copied.arm("late", 0).done()["events"][0]["at"] == at - 40


@pytest.mark.parametrize(
    ("event", "settings", "reason"),
    [
        (
            {"at": "t_gen", "of": "slow"},
            {},
            "waits for t_gen of slow seed 0, which it has not reached by step 20",
        ),
        (
            {"at": "t_mem", "of": "dense"},
            {"source": "dense", "from_step": 100, "max_steps": 10, "min_steps": 10},
            "waits for t_mem of dense seed 0, which it had before from_step",
        ),
    ],
)
def test_an_arm_whose_event_waits_in_vain_is_skipped_with_the_reason(
    content, copied, event, settings, reason
):
    content["arms"]["slow"] = {"max_steps": 20}
    recipe = event_recipe(content, {"late": [{"name": "freeze", **event}]}, **settings)
    assert train_group_of(recipe, copied, "slow") == []
    ((_, told),) = train_group_of(recipe, copied, "late")
    assert reason in told and "\n" not in told
    (row,) = [row for row in Plan(recipe, copied, [0]).rows() if row["arm"] == "late"]
    assert reason in row["reason"]


def test_a_plan_says_what_an_event_waits_for(content, tmp_path):
    content["arms"]["slow"] = {"max_steps": 20}
    recipe = event_recipe(content, {"late": [{"name": "freeze", "at": "t_gen", "of": "slow"}]})
    rows = {row["arm"]: row for row in Plan(recipe, RunDir(tmp_path / "new"), [0]).rows()}
    assert rows["late"]["reason"] == "may be skipped if slow does not reach t_gen"
    assert rows["dense"]["reason"] is None


def test_arms_that_events_read_are_in_the_lineage_and_in_the_hash(content):
    events = {"late": [{"name": "freeze", "at": "t_gen", "of": "grokked_ticket"}]}
    recipe = event_recipe(content, events)
    assert recipe.lineage("late") == ["dense", "grokked_ticket", "late"]
    assert recipe.first_of_lineage("late") == "late" and recipe.depths()["late"] == 2
    config = arm_config(recipe, "late", 0)
    changed = arm_config(changed_recipe(content, "arms.dense.optimizer.lr=0.5"), "late", 0)
    assert identity_hash(config) != identity_hash(changed)
    assert recipe_from_dict(recipe_content(recipe)) == recipe
    assert recipe.restricted("late", 0).arms.keys() == {"dense", "grokked_ticket", "late"}
    assert recipe.role("late") == "variant"


def test_notes_say_which_events_do_not_act_or_act_unseen(content):
    events = {
        "x": [{"name": "freeze", "at": 33, "until": 90}, {"name": "set_optimizer", "lr": 0.1, "at": 100}]
    }
    unseen, never = event_notes(event_recipe(content, events))
    assert unseen.endswith("acts after update 33, between evaluations; step 40 is the first to show it.")
    assert never.startswith("arms.x.events[1] (set_optimizer) does not act: the arm ends at step 100")
