"""Arms that branch off a training with its optimizer's moments, or with new ones."""

import numpy as np
import pytest
from builders import changed_recipe, stop_after, train_group_of

from training.cli.parser import Interrupted
from training.config.arm_config import arm_config, identity_hash
from training.config.recipe_files import read_recipe
from training.execution.printed_tables import branches
from training.optimization.evaluation import METRICS
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError

BEGIN = 40
LENGTHS = ("arms.branch.min_steps=100", "arms.branch.max_steps=100", "arms.branch.source=dense")


def branch_recipe(content, *settings, moments="keep"):
    return changed_recipe(
        content, *LENGTHS, f"arms.branch.from_step={BEGIN}", f"arms.branch.moments={moments}", *settings
    )


def assert_continues(files, dense):
    """Assert that a branch has the curves and weights of the training that it branches off."""
    curves, before = (f.metrics().set_index("step")[list(METRICS)] for f in (files, dense))
    for step, values in curves.iterrows():
        np.testing.assert_array_equal(values, before.loc[step + BEGIN])
    shared = {*files.steps().tolist()} & {*(dense.steps() - BEGIN).tolist()}
    assert len(shared) > 2
    for name, w in files.checkpoints().items():
        for step in shared:
            row, row_before = (f.steps().tolist().index(s) for f, s in ((files, step), (dense, step + BEGIN)))
            assert w[row].tobytes() == dense.checkpoints()[name][row_before].tobytes()


@pytest.mark.parametrize("warmup", [0, 60])
def test_a_branch_with_kept_moments_is_the_uninterrupted_training(content, tmp_path, train_all, warmup):
    content["arms"] = {"dense": content["arms"]["dense"]}
    recipe = branch_recipe(content, f"optimizer.warmup_steps={warmup}")
    run, skipped = train_all(recipe, tmp_path / "tiny")
    assert skipped == []
    assert_continues(run.arm("branch", 0), run.arm("dense", 0))


def test_a_branch_is_the_uninterrupted_training_after_a_stop_too(content, copied):
    recipe = branch_recipe(content)
    with pytest.raises(Interrupted):
        train_group_of(recipe, copied, "branch", should_stop=stop_after(6))
    files = copied.arm("branch", 0)
    assert 0 < files.state_step() < 100
    assert train_group_of(recipe, copied, "branch") == []
    assert_continues(files, copied.arm("dense", 0))


def test_branches_with_and_without_moments_train_in_one_batch(content, copied, files_of):
    for moments in ("keep", "zero"):
        content["arms"][moments] = {
            "source": "dense",
            "from_step": BEGIN,
            "moments": moments,
            "max_steps": 60,
        }
    recipe = changed_recipe(content)
    assert train_group_of(recipe, copied, "keep", "zero") == []
    together = files_of(copied.path)
    for arm in ("keep", "zero"):
        copied.arm(arm, 0).clear()
        assert train_group_of(recipe, copied, arm) == []
    assert files_of(copied.path) == together


def test_a_restart_of_the_optimizer_gives_other_weights(content, copied):
    recipe = branch_recipe(content, moments="zero")
    assert train_group_of(recipe, copied, "branch") == []
    with pytest.raises(AssertionError):
        assert_continues(copied.arm("branch", 0), copied.arm("dense", 0))


def test_a_ticket_keeps_no_moments_of_pruned_weights(content, copied):
    recipe = branch_recipe(content, "arms.branch.method=magnitude", "arms.branch.source_step=100")
    assert train_group_of(recipe, copied, "branch") == []
    files = copied.arm("branch", 0)
    pruned = np.concatenate([~files.mask()[name].ravel() for name in recipe.setting("branch").shapes()])
    state = files.final_state()
    for name in ("mean", "square"):
        (row,) = state[name]
        assert not row[pruned].any() and (row[~pruned] != 0).float().mean() > 0.9


def test_a_branch_of_the_last_step_takes_the_final_state(slow, tmp_path, train_all):
    del slow["arms"]["grokked_ticket"]
    slow["arms"]["dense"]["max_steps"] = BEGIN
    short, _ = train_all(branch_recipe(slow, "arms.branch.max_steps=100"), tmp_path / "short")
    slow["arms"] = {"dense": slow["arms"]["dense"] | {"max_steps": 150}}
    whole, _ = train_all(changed_recipe(slow), tmp_path / "whole")
    assert short.arm("dense", 0).done()["steps"] == BEGIN
    assert_continues(short.arm("branch", 0), whole.arm("dense", 0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda done: done["platform"].update(cpu="OTHER"), "on the platform that trained it .cpu OTHER"),
        (lambda done: done.pop("code"), "which has no record of its training here"),
    ],
)
def test_moments_that_cannot_be_replayed_are_refused_in_one_line(content, copied, change, message):
    dense = copied.arm("dense", 0)
    done = dense.done()
    change(done)
    dense.rewrite_done({name: value for name, value in done.items() if name != "seal"})
    with pytest.raises(RunError, match=message) as error:
        train_group_of(branch_recipe(content), copied, "branch")
    assert "\n" not in str(error.value) and "moments = 'zero'" in str(error.value)
    assert not copied.arm("branch", 0).is_begun()


def test_moments_of_other_code_are_refused(content, copied):
    dense = copied.arm("dense", 0)
    steps, weights = dense.steps(), dense.checkpoints()
    weights["W_E"][1, 0, 0] += 1e-6
    dense.write_checkpoints(steps, weights)
    with pytest.raises(RunError, match="by other code: its weights at step 20 come out differently"):
        train_group_of(branch_recipe(content), copied, "branch")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arms.x.moments=keep"], "arms.x.moments: expected zero without from_step"),
        (["arms.x.moments=some"], "arms.x.moments: expected one of keep, zero"),
        ([*LENGTHS, "arms.branch.from_step=40", "arms.branch.start=reshuffle"], "start differs"),
        ([*LENGTHS, "arms.branch.from_step=40", "arms.branch.optimizer.name=sgd"], "optimizer.name differs"),
        ([*LENGTHS, "arms.branch.from_step=40", "arms.branch.form=tangent"], "form differs"),
    ],
)
def test_moments_are_checked_with_the_recipe(content, settings, message):
    keep = ["arms.branch.moments=keep"] if "branch" in settings[0] else []
    with pytest.raises(ConfigError, match=message):
        changed_recipe(content, *settings, *keep)


def test_tables_say_what_the_optimizer_of_a_branch_starts_from(content):
    recipe = branch_recipe(content, "arms.late.source=dense", "arms.late.from_step=40")
    (zero, keep) = branches(recipe)
    assert "restarted" in zero and zero.endswith(": late.")
    assert "continued" in keep and keep.endswith(": branch.")
    assert branches(changed_recipe({**content, "arms": {"dense": {}}})) == []


def test_the_field_leaves_hashes_of_shipped_recipes_as_they_were():
    recorded = {("modadd_fast", "dense"): "8635e48c57c78f83", ("filan_overlap", "imp_4"): "f411df7f2e428304"}
    for (name, arm), expected in recorded.items():
        recipe, _ = read_recipe(name)
        assert identity_hash(arm_config(recipe, arm, 0)) == expected
