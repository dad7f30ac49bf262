"""Events at times that evaluations decide: t_mem and t_gen, of the arm or of another."""

import numpy as np
import pytest
from builders import LoneChannel, changed_recipe, event_recipe, stop_after, train_group_of, weights_at

from training.cli.parser import Interrupted
from training.config.arm_config import arm_config, identity_hash
from training.config.build_recipe import recipe_content, recipe_from_dict
from training.config.checks.event_checks import event_notes
from training.execution.arms.jobs import ArmTask, Job
from training.execution.arms.training_loop import TrainingLoop
from training.execution.plan import Plan
from training.runs.run_directory import RunDir


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
