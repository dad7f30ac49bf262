"""What an arm begins as, and what it trains, beyond a mask on θ₀."""

import numpy as np
import pytest

from interp.masks import keep_count
from training.arms import Job, prepare
from training.config import recipe_from_dict
from training.engine import start
from training.fields import ConfigError, override
from training.pruning.start import norm_ratio
from training.store import RunDir
from training.train import train_group


def changed(content, *settings):
    for setting in settings:
        override(content, setting)
    return recipe_from_dict(content)


def theta(recipe):
    return {name: w.numpy() for name, w in start(recipe, 0).items()}


def train(recipe, run, arm):
    skipped = train_group(recipe, RunDir(run.path), [Job(arm, 0)], "cpu", lambda *_: None, lambda: False)
    assert skipped == []
    return run.arm(arm, 0)


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("scope", ["global", "mean_per_tensor"])
def test_norm_controlled_is_dense_and_scaled_by_the_tickets_ratio(content, copied, q, scope):
    arm = f"arms.controlled.start=norm_l{q}"
    recipe = changed(
        content, arm, "arms.controlled.source=grokked_ticket", f"arms.controlled.norm_scope={scope}"
    )
    begun = prepare(recipe, copied, Job("controlled", 0))
    ratio = norm_ratio(theta(recipe), copied.arm("grokked_ticket", 0).mask(), q, scope)
    assert begun.mask is None and 0 < ratio < 1
    for name, w in theta(recipe).items():
        np.testing.assert_allclose(begun.weights[name], ratio * w, rtol=1e-6)


def test_a_ticket_with_random_weights_keeps_its_mask(content, copied):
    recipe = changed(
        content,
        "arms.again.method=magnitude",
        "arms.again.source=dense",
        "arms.again.start=random_reinit",
    )
    begun = prepare(recipe, copied, Job("again", 0))
    ticket = copied.arm("grokked_ticket", 0).mask()
    for name, w in theta(recipe).items():
        np.testing.assert_array_equal(begun.mask[name], ticket[name])
        assert not np.isin(begun.weights[name], w).any()


def test_rewinding_begins_from_the_dense_networks_checkpoint(content, copied):
    recipe = changed(
        content,
        "arms.late.method=imp",
        "arms.late.source=grokked_ticket",
        "arms.late.from_step=40",
        "arms.late.sparsity=0.75",
        "arms.late.max_steps=20",
        "pruning.require_generalised=false",
    )
    dense = copied.arm("dense", 0)
    row = list(dense.steps()).index(40)
    files = train(recipe, copied, "late")
    mask, ticket = files.mask(), copied.arm("grokked_ticket", 0).mask()
    n = sum(kept.size for kept in mask.values())
    assert sum(int(kept.sum()) for kept in mask.values()) == keep_count(n, 0.25)
    for name, w in dense.checkpoints().items():
        assert not (mask[name] & ~ticket[name]).any(), "an iterative mask is nested"
        np.testing.assert_array_equal(files.checkpoints()[name][0], w[row] * mask[name])


@pytest.mark.parametrize("form", ["edge_popup", "biprop", "supermask"])
@pytest.mark.parametrize("train_weights", [False, True])
def test_an_arm_of_scores_ends_with_the_mask_they_choose(content, copied, form, train_weights):
    settings = [f"arms.popped.form={form}", "arms.popped.source=dense", "arms.popped.from_step=20"]
    settings += [f"arms.popped.train_weights={str(train_weights).lower()}", "arms.popped.max_steps=60"]
    settings += ["arms.popped.optimizer.lr=0.05", "arms.popped.settle_steps=1000"]
    recipe = changed(content, *settings)
    files = train(recipe, copied, "popped")
    final = {name: w[-1] for name, w in files.checkpoints().items()}
    begun = {name: w[1] for name, w in copied.arm("dense", 0).checkpoints().items()}
    assert copied.arm("dense", 0).steps()[1] == 20
    for name, kept in files.mask().items():
        np.testing.assert_array_equal(kept, final[name] != 0)
        if form != "supermask":
            assert kept.sum() == keep_count(kept.size, 1 - recipe.sparsity("popped"))
        if not train_weights and form != "biprop":
            np.testing.assert_array_equal(final[name][kept], begun[name][kept])
    assert files.done()["config"]["arms"]["popped"]["optimizer"]["lr"] == 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arms.x.start=fresh"], "arms.x.start: expected one of norm_l1"),
        (
            ["arms.x.start=norm_l1"],
            "arms.x.source: expected one of grokked_ticket, random, shuffled, got None",
        ),
        (["arms.x.start=norm_l1", "arms.x.source=dense"], "arms.x.source: expected one of grokked_ticket"),
        (["arms.x.from_step=20"], "arms.x.source: expected one of dense, .*, got None"),
        (
            ["arms.x.source=dense", "arms.x.from_step=33"],
            "arms.x.from_step: expected a step with a checkpoint",
        ),
        (["arms.x.source=dense"], "arms.x.source: expected none for method 'none', got 'dense'"),
        (["arms.x.form=edge_popup", "arms.x.method=random"], "arms.x.method: expected none for edge_popup"),
        (["arms.x.train_weights=true"], "arms.x.train_weights: expected false for weights, got True"),
        (
            ["arms.x.form=tangent", "arms.x.train_weights=true"],
            "arms.x.train_weights: expected false for tangent, got True",
        ),
        (["arms.x.form=tangent", "arms.x.sparsity=0.5"], "arms.x.sparsity: expected none for method 'none'"),
        (["arms.x.form=tangent", "arms.x.method=magnitude"], "arms.x.source: expected one of dense, "),
        (["arms.x.form=linear"], "arms.x.form: expected one of biprop, edge_popup, supermask, tangent"),
        (["arms.x.form=supermask", "arms.x.sparsity=0.5"], "arms.x.sparsity: expected none"),
        (["arms.x.optimizer.lr=-1"], "arms.x.optimizer.lr: expected a number above 0"),
    ],
)
def test_mistakes_are_refused_with_their_field(content, settings, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        changed(content, *settings)


def test_a_checkpoint_that_the_source_never_reached_is_said(content, copied):
    recipe = changed(content, "arms.x.source=dense", "arms.x.from_step=400")
    run = RunDir(copied.path)
    (skipped,) = train_group(recipe, run, [Job("x", 0)], "cpu", lambda *_: None, lambda: False)
    assert "dense seed 0 has no checkpoint at step 400: it ended at" in skipped[1]
