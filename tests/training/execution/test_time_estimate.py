"""Expected time of a training: its sources, its scaling, and the guess against measured costs."""

import json
import shutil
from dataclasses import replace

import pytest
from builders import begin_run, edit_record

from training.config.recipe_costs import read_training_costs
from training.config.recipe_files import read_recipe
from training.execution.plan_needs import likely_device, sum_line
from training.execution.time_estimate import GUESSED, estimated_time, network_seconds
from training.runs.run_directory import RunDir


def networks_of(recipe):
    return [(arm, seed) for seed in recipe.seeds for arm in recipe.arms]


def time_of(recipe, run, **options):
    return estimated_time(recipe, run, networks_of(recipe), **options)


@pytest.fixture
def empty(tmp_path):
    return RunDir(tmp_path / "runs" / "none")


@pytest.mark.parametrize("version", ["full", "quick"])
def test_the_guess_is_within_a_factor_of_three_of_the_measured_costs(version):
    for name, cost in read_training_costs()[version].items():
        recipe, _ = read_recipe(name, quick=version == "quick")
        guess = sum(network_seconds(recipe, arm) for arm in recipe.arms) * len(recipe.seeds)
        assert cost < 3 * guess, name
        if all(arm.min_steps == arm.max_steps for arm in recipe.arms.values()):
            assert cost > guess / 3, name


def test_a_packaged_recipe_takes_its_measured_cost(empty):
    recipe, _ = read_recipe("h_standard")
    cost = read_training_costs()["full"]["h_standard"]
    time = time_of(recipe, empty, workers=2)
    assert time.seconds == pytest.approx(cost / 2) == time.most
    assert time.source == "by the measured cost of this recipe"
    assert time_of(recipe, empty, workers=100).seconds == pytest.approx(cost / 3)  # three seeds, one arm


def test_a_changed_recipe_is_scaled_by_its_steps(empty):
    recipe, _ = read_recipe("h_standard")
    arm = recipe.arms["dense"]
    twice = replace(arm, max_steps=2 * arm.max_steps, min_steps=2 * arm.max_steps)
    longer = replace(recipe, name="mine", arms={"dense": twice})
    time = time_of(longer, empty)
    assert time.seconds == pytest.approx(2 * time_of(recipe, empty).seconds, rel=0.02)
    assert time.source == "by the measured cost of h_standard, scaled by arm-steps"
    wider = replace(recipe, model=replace(recipe.model, d_mlp=4 * 512))
    assert 2 < time_of(wider, empty).seconds / time_of(recipe, empty).seconds < 4
    assert time_of(wider, empty).source.endswith("scaled by arm-steps and their operations")


def test_arms_that_may_end_early_have_a_bound(empty):
    recipe, _ = read_recipe("modadd_fast")
    time = time_of(recipe, empty)
    assert time.most > time.seconds and "at most about" in time.text()
    fixed, _ = read_recipe("h_standard")
    assert "at most" not in time_of(fixed, empty).text()


def test_an_unknown_recipe_is_guessed(empty, recipe):
    time = time_of(recipe, empty)
    assert time.source == GUESSED and time.seconds > 0
    assert "GPU" in time_of(recipe, empty, device="cuda").source


def test_trained_networks_count_before_everything_else(tiny_copy, planted_recipe):
    run = RunDir(tiny_copy)
    arms = [str(files) for files in run.arms()]
    steps = {str(files): files.done()["steps"] for files in run.arms()}
    for files in run.arms():
        edit_record(files.path / "DONE", start="now", record_sha256=None)
    entry = {"id": "now", "seconds": 30.0, "workers": 2, "arms": arms, "device": "cpu"}
    (run.path / "provenance.json").write_text(json.dumps([entry]))
    time = time_of(planted_recipe, run)
    assert time.source == "by the networks that this run has trained"
    assert time.seconds == pytest.approx(60)
    most = sum(network_seconds(planted_recipe, files.arm) for files in run.arms())
    trained = sum(network_seconds(planted_recipe, files.arm, steps[str(files)]) for files in run.arms())
    assert time.most == pytest.approx(60 * most / trained)
    other = begin_run(run.path.parent / "other", replace(planted_recipe, name="other"))
    assert time_of(replace(planted_recipe, name="other"), other).source.endswith(f"{run.path} has trained")
    on_gpu = entry | {"device": "cuda"}
    (run.path / "provenance.json").write_text(json.dumps([on_gpu]))
    assert time_of(planted_recipe, run).source == GUESSED


def test_a_damaged_sibling_tells_nothing(tiny_copy, recipe):
    shutil.copytree(tiny_copy, tiny_copy.parent / "damaged")
    (tiny_copy.parent / "damaged" / "provenance.json").write_text("{")
    assert time_of(recipe, RunDir(tiny_copy.parent / "new")).source == GUESSED


def test_nothing_to_train_takes_no_time(empty, recipe):
    assert estimated_time(recipe, empty, []).seconds == 0


def test_a_sum_needs_rows_of_a_dry_run():
    assert sum_line([{"recipe": "r", "done": 3}]) == ""
    assert likely_device("cuda:1") == "cuda:1"
