"""Finished arms that a larger budget trains on."""

import numpy as np
import pytest
from builders import LoneChannel, arm_contents, changed_recipe, train_group_of, trained_run

from training.cli.parser import Interrupted
from training.config.build_recipe import recipe_from_dict
from training.execution.arms.jobs import Job
from training.execution.arms.training_loop import train
from training.execution.experiment import Experiment
from training.runs.run_directory import RunDir

SHORT, LONG = "arms.dense.max_steps=130", "arms.dense.max_steps=300"


def launch_by(channel):
    """Return a launch that trains all networks in this process as one group."""

    def launch(queue, device, workers, on_device):
        on_device("cpu")
        train(queue.next_tasks(1), "cpu", channel)

    return launch


@pytest.mark.parametrize("budget", [130, 125, 100])  # on an evaluation, on none, on a checkpoint
def test_a_larger_budget_trains_the_added_steps_to_the_bytes_of_a_fresh_training(slow, tmp_path, budget):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, f"arms.dense.max_steps={budget}"), tmp_path / "grown")
    longer = changed_recipe(slow, LONG)
    experiment = Experiment(longer, "", str(tmp_path / "grown"))
    (row,) = experiment.plan()
    assert (row["todo"], row["reason"]) == ("train on", f"from step {budget} to 300 at most")
    reported = []

    class Noted(LoneChannel):
        def report(self, task, step, test_acc):
            reported.append(step)

    Experiment(longer, "", str(tmp_path / "grown"), launch=launch_by(Noted())).train("cpu", 1)
    assert reported == [*range(budget // 10 * 10 + 10, 301, 10)]
    fresh = trained_run(longer, tmp_path / "fresh")
    assert arm_contents(run, "dense") == arm_contents(fresh, "dense")
    assert run.config()["arms"] == fresh.config()["arms"]


def test_extending_a_source_leaves_its_ticket_and_the_checkpoint_that_it_was_made_from(slow, tmp_path):
    run = trained_run(changed_recipe(slow, "arms.dense.max_steps=125"), tmp_path)
    ticket = run.arm("grokked_ticket", 0)
    before = {path.name: path.stat().st_ino for path in ticket.path.iterdir()}
    trained_run(changed_recipe(slow, LONG), tmp_path)
    assert {path.name: path.stat().st_ino for path in ticket.path.iterdir()} == before
    assert ticket.done()["source"]["step"] == 125 and run.arm("dense", 0).done()["steps"] == 300
    assert {125, 300} < {*run.arm("dense", 0).steps().tolist()}
    mask = ticket.mask()
    again = train_again(run, changed_recipe(slow, LONG), "grokked_ticket")
    assert all(np.array_equal(again[name], mask[name]) for name in mask)


def train_again(run, recipe, arm):
    """Return the mask that an arm would be given from what its record says."""
    from training.execution.arms.sources.starting_point import starting_point

    return starting_point(recipe, run, Job(arm, 0)).mask


def test_what_was_skipped_is_tried_again_once_its_source_was_trained_on(slow, tmp_path):
    slow.pop("pruning")
    run = trained_run(changed_recipe(slow, "arms.dense.max_steps=20"), tmp_path)
    assert run.arm("grokked_ticket", 0).skipped()["source_steps"] == 20
    recipe = changed_recipe(slow, LONG)
    plan = {row["arm"]: row["todo"] for row in Experiment(recipe, "", str(tmp_path)).plan()}
    assert plan == {"dense": "train on", "grokked_ticket": "train"}
    trained_run(recipe, tmp_path)
    assert run.arm("grokked_ticket", 0).done()["source"]["step"] == 300


def test_a_ticket_that_is_begun_keeps_its_mask_while_its_source_is_trained_on(slow, tmp_path):
    short, longer = changed_recipe(slow, SHORT), changed_recipe(slow, LONG)
    run = trained_run(replace_arms(short, "dense"), tmp_path)
    stops = iter([False] * 4)
    with pytest.raises(Interrupted):
        train_group_of(short, run, "grokked_ticket", should_stop=lambda: next(stops, True))
    mask = run.arm("grokked_ticket", 0).mask()
    trained_run(longer, tmp_path)
    ticket = run.arm("grokked_ticket", 0)
    assert ticket.done()["source"]["step"] == 130 and run.arm("dense", 0).done()["steps"] == 300
    assert all(np.array_equal(is_kept, mask[name]) for name, is_kept in ticket.mask().items())


def replace_arms(recipe, *arms):
    from dataclasses import replace

    return replace(recipe, arms={arm: recipe.arms[arm] for arm in arms})


def test_an_arm_that_its_own_rule_ended_is_not_trained_on(content, tmp_path):
    content["arms"] = {"dense": content["arms"]["dense"]}
    run = trained_run(recipe_from_dict(content), tmp_path)
    steps = run.arm("dense", 0).done()["steps"]
    assert steps < 500
    (row,) = Experiment(changed_recipe(content, "arms.dense.max_steps=5000"), "", str(tmp_path)).plan()
    assert row["todo"] == "keep"


def test_a_smaller_budget_keeps_the_longer_training(slow, tmp_path):
    run = trained_run(changed_recipe(slow, LONG), tmp_path)
    before = arm_contents(run, "dense")
    trained_run(changed_recipe(slow, SHORT), tmp_path)
    assert arm_contents(run, "dense") == before


def test_an_arm_without_its_final_state_is_moved_aside_and_trained_again(slow, tmp_path, capsys):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, SHORT), tmp_path / "grown")
    (run.arm("dense", 0).path / "final_state.pt").unlink()
    trained_run(changed_recipe(slow, LONG), tmp_path / "grown")
    assert "trained again from step 0: its final state is missing" in capsys.readouterr().err
    assert len([*run.path.glob("arms/.replaced/*/dense/seed_0/DONE")]) == 1
    assert arm_contents(run, "dense") == arm_contents(
        trained_run(changed_recipe(slow, LONG), tmp_path / "fresh"), "dense"
    )


def test_an_extension_that_is_interrupted_goes_on(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, SHORT), tmp_path / "grown")
    longer, calls = changed_recipe(slow, LONG), iter([False] * 3)

    channel = LoneChannel(lambda: next(calls, True))
    with pytest.raises(Interrupted):
        Experiment(longer, "", str(tmp_path / "grown"), launch=launch_by(channel)).train("cpu", 1)
    assert run.arm("dense", 0).done() is None and run.arm("dense", 0).state_step() == 160
    trained_run(longer, tmp_path / "grown")
    assert arm_contents(run, "dense") == arm_contents(trained_run(longer, tmp_path / "fresh"), "dense")


def test_an_interrupted_extension_ends_where_it_is_by_a_smaller_budget(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, SHORT), tmp_path)
    from training.execution.arms.extension import reopen

    assert reopen(changed_recipe(slow, LONG), run, Job("dense", 0))
    trained_run(changed_recipe(slow, SHORT), tmp_path)
    assert run.arm("dense", 0).done()["steps"] == 130


def test_another_folder_or_reporting_threshold_trains_nothing(slow, tmp_path, capsys):
    run = trained_run(changed_recipe(slow, SHORT), tmp_path)
    other = trained_run(changed_recipe(slow, SHORT, "name=other", "measure.threshold=0.5"), tmp_path)
    assert "taken from" in capsys.readouterr().err
    assert (other.arm("dense", 0).path / "checkpoints.safetensors").samefile(
        run.arm("dense", 0).path / "checkpoints.safetensors"
    )
    rows = Experiment(
        changed_recipe(slow, SHORT, "name=tiny", "measure.threshold=0.6"), "", str(tmp_path)
    ).plan()
    assert {row["todo"] for row in rows} == {"keep"}


def test_a_ticket_of_another_step_of_its_source_is_not_taken_over(slow, tmp_path, capsys):
    trained_run(changed_recipe(slow, SHORT), tmp_path)
    other = trained_run(changed_recipe(slow, LONG, "name=other"), tmp_path)
    assert "taken from" not in capsys.readouterr().err
    assert other.arm("grokked_ticket", 0).done()["source"]["step"] == 300


def test_a_record_of_an_older_version_is_that_of_the_same_arm(slow, tmp_path):
    import json

    from training.schema.validation import config_hash

    recipe = changed_recipe(slow, SHORT)
    run = trained_run(recipe, tmp_path)
    files = run.arm("dense", 0)
    record = json.loads((files.path / "DONE").read_text())
    measure = record["config"]["measure"]
    del measure["stop_threshold"], measure["checkpoints"]
    measure |= {"checkpoint_every": 100, "early_checkpoint_every": 20, "early_until": 60}
    files.rewrite_done(record | {"hash": config_hash(record["config"])})
    config = run.config()
    run.write_config(config | {"measure": measure})
    plan = Experiment(recipe, "", str(tmp_path)).plan()
    assert [row["todo"] for row in plan] == ["keep", "keep"]
    longer = trained_run(changed_recipe(slow, LONG), tmp_path)
    assert longer.arm("dense", 0).done()["steps"] == 300


def test_adopted_networks_cannot_be_trained_on(tmp_path, slow):
    run = RunDir(tmp_path / "tiny")
    run.write_config({"task": slow["task"], "model": slow["model"]})
    rng = np.random.default_rng(0)
    recipe = recipe_from_dict(slow)
    weights = {name: rng.normal(size=(1, *shape)) for name, shape in recipe.setting("dense").shapes().items()}
    run.arm("dense", 0).write_checkpoints(np.array([0]), weights)
    with pytest.raises(ValueError, match="holds weights that other code trained"):
        Experiment(changed_recipe(slow, LONG), "", str(tmp_path)).plan()
