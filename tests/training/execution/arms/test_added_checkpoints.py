"""Checkpoints that a replay adds to finished arms."""

import json

import pytest
from builders import arm_contents, changed_recipe, trained_run

from training.execution.experiment import Experiment
from training.runs.atomic_files import RunError

AROUND = "measure.checkpoints=[{every = 100}, {around = 't_gen', every = 10, within = 20}]"
FINE = "measure.checkpoints=[{every = 100}, {every = 20, last = 60}, {every = 30}]"


def t_gen_of(run):
    metrics = run.arm("dense", 0).metrics()
    return int(metrics.loc[metrics["test_acc"] >= 0.95, "step"].iloc[0])


def test_a_grid_around_an_event_is_saved_by_a_replay(content, tmp_path):
    content["arms"] = {"dense": content["arms"]["dense"]}
    run = trained_run(changed_recipe(content, AROUND), tmp_path / "at_once")
    steps, t_gen = run.arm("dense", 0).steps().tolist(), t_gen_of(run)
    assert {*range(t_gen - 20, t_gen + 21, 10)} <= {*steps} and t_gen % 100
    every = trained_run(changed_recipe(content, "measure.checkpoints=[{every = 10}]"), tmp_path / "every")
    everywhere = every.arm("dense", 0)
    rows = [everywhere.steps().tolist().index(step) for step in steps]
    for name, w in run.arm("dense", 0).checkpoints().items():
        assert w.tobytes() == everywhere.checkpoints()[name][rows].tobytes()


@pytest.mark.parametrize("grids", [AROUND, FINE])
def test_grids_that_are_asked_for_later_give_the_bytes_of_a_training_with_them(slow, tmp_path, grids):
    slow["arms"]["dense"]["max_steps"] = 150
    run = trained_run(changed_recipe(slow), tmp_path / "later")
    asked = changed_recipe(slow, grids)
    plan = {
        row["arm"]: (row["todo"], row["reason"])
        for row in Experiment(asked, "", str(tmp_path / "later")).plan()
    }
    assert plan["dense"][0] == "add checkpoints" and plan["dense"][1].endswith("steps, by a replay")
    trained_run(asked, tmp_path / "later")
    at_once = trained_run(asked, tmp_path / "at_once")
    for arm in ("dense", "grokked_ticket"):
        later, now = (runs.arm(arm, 0) for runs in (run, at_once))
        assert {*now.steps().tolist()} <= {*later.steps().tolist()}
        assert later.file_hashes() == later.done()["files"]
        rows = [later.steps().tolist().index(step) for step in now.steps()]
        for name, w in now.checkpoints().items():
            assert w.tobytes() == later.checkpoints()[name][rows].tobytes()
    assert {row["todo"] for row in Experiment(asked, "", str(tmp_path / "later")).plan()} == {"keep"}


def test_an_arm_may_have_grids_of_its_own(slow, tmp_path):
    recipe = changed_recipe(slow, "arms.dense.max_steps=130", "arms.dense.checkpoints=[{every = 50}]")
    run = trained_run(recipe, tmp_path)
    assert run.arm("dense", 0).steps().tolist() == [0, 50, 100, 130]
    assert run.arm("grokked_ticket", 0).steps().tolist() == [0, 20, 40, 60, 100, 130]


def test_a_replay_that_differs_writes_nothing(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, "arms.dense.max_steps=130"), tmp_path)
    files = run.arm("dense", 0)
    weights = files.checkpoints()
    weights["W_U"][2, 0, 0] += 1e-7
    files.write_checkpoints(files.steps(), weights)
    before = arm_contents(run, "dense")
    with pytest.raises(RunError, match="its weights at step 40 come out differently than those saved"):
        trained_run(changed_recipe(slow, "arms.dense.max_steps=130", FINE), tmp_path)
    assert arm_contents(run, "dense") == before


def test_a_replay_on_another_platform_is_refused(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, "arms.dense.max_steps=130"), tmp_path)
    files = run.arm("dense", 0)
    done = files.done()
    files.rewrite_done({**done, "platform": done["platform"] | {"cpu": "AVX1024"}})
    with pytest.raises(
        RunError, match=r"more steps need a replay on the platform that trained it \(.*AVX1024"
    ):
        trained_run(changed_recipe(slow, "arms.dense.max_steps=130", FINE), tmp_path)


def test_a_process_that_was_killed_while_it_added_checkpoints_leaves_a_sound_arm(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    run = trained_run(changed_recipe(slow, "arms.dense.max_steps=130"), tmp_path)
    files = run.arm("dense", 0)
    done = files.done()
    hashes = {name: digest for name, digest in done["files"].items() if name != "checkpoints.safetensors"}
    files.rewrite_done({**done, "files": hashes})
    trained_run(changed_recipe(slow, "arms.dense.max_steps=130", FINE), tmp_path)
    record = json.loads((files.path / "DONE").read_text())
    assert record["files"] == files.file_hashes() and 90 in files.steps()


@pytest.mark.parametrize("budget", [130, 125])  # on an evaluation, on none
def test_an_arm_that_is_trained_again_has_the_checkpoint_that_its_ticket_was_made_from(
    slow, tmp_path, budget
):
    run = trained_run(changed_recipe(slow, f"arms.dense.max_steps={budget}"), tmp_path)
    files = run.arm("dense", 0)
    before = files.checkpoints("W_U")["W_U"][files.steps() == budget]
    (files.path / "final_state.pt").unlink()
    trained_run(changed_recipe(slow, "arms.dense.max_steps=300"), tmp_path)
    assert run.arm("grokked_ticket", 0).done()["source"]["step"] == budget
    again = files.checkpoints("W_U")["W_U"][files.steps() == budget]
    assert len(again) == 1 and again.tobytes() == before.tobytes()


def test_fields_of_older_versions_name_the_new_ones(tmp_path):
    from training.config.recipe_files import read_recipe
    from training.schema.validation import ConfigError

    with pytest.raises(
        ConfigError, match=r"measure.checkpoint_every: expected grids, as measure.checkpoints = \["
    ):
        read_recipe("modadd_fast", ["measure.checkpoint_every=500"])
