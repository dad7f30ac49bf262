"""Plans say which networks will be skipped, in the words of their records."""

import re
import shutil
from dataclasses import replace

import pytest
from builders import changed_recipe, train_group_of

from training.config.build_recipe import recipe_from_dict
from training.execution.arms.jobs import Job, jobs
from training.execution.plan import Plan
from training.execution.printed_tables import plan_reasons
from training.runs.run_directory import RunDir

EARLY = "arms.grokked_ticket.source_step=20"
ANYWAY = "--set pruning.require_generalised=false prunes it anyway"


def planned(recipe, run, force=False):
    """Return what is done with each arm, and the reasons."""
    rows = Plan(recipe, run, recipe.seeds, jobs(recipe, recipe.seeds) if force else ()).rows()
    return {row["arm"]: row["todo"] for row in rows}, {row["arm"]: row["reason"] for row in rows}


@pytest.fixture
def dense_only(copied):
    """Return the copied run with its dense arm alone."""
    for arm in ("grokked_ticket", "random", "shuffled"):
        shutil.rmtree(copied.path / "arms" / arm)
    return copied


def recorded(recipe, run, arm):
    """Return the reason with which training skips an arm."""
    ((_, reason),) = train_group_of(recipe, RunDir(run.path), arm)
    return reason


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([EARLY], f"dense seed 0 has not generalised: test accuracy 0.* at step 20; .*{ANYWAY}"),
        (
            ["arms.grokked_ticket.source_step=400"],
            "dense seed 0 has no checkpoint at step 400: it ended at .*"
            "--set arms.grokked_ticket.source_step=STEP names an earlier step",
        ),
        (
            ["arms.grokked_ticket.from_step=400"],
            "dense seed 0 has no checkpoint at step 400.*--set arms.grokked_ticket.from_step=STEP",
        ),
    ],
)
def test_a_ticket_of_a_finished_network_is_skipped_with_the_reason_of_its_record(
    content, dense_only, settings, words
):
    recipe = changed_recipe(content, *settings)
    todo, reasons = planned(recipe, dense_only)
    assert todo == {"dense": "keep", "random": "train", "grokked_ticket": "skip", "shuffled": "skip"}
    for arm in ("grokked_ticket", "shuffled"):
        assert reasons[arm] == recorded(recipe, dense_only, arm)
    assert re.search(words, reasons["grokked_ticket"])
    again, same = planned(recipe, dense_only)
    assert again["grokked_ticket"] == again["shuffled"] == "skip again" and same == reasons
    assert planned(recipe, dense_only, force=True)[0]["grokked_ticket"] == "train"


def test_a_control_of_a_network_that_has_not_generalised_is_planned(content, dense_only):
    todo, reasons = planned(changed_recipe(content, EARLY, "pruning.require_generalised=false"), dense_only)
    assert todo["grokked_ticket"] == "train" and set(reasons.values()) == {None}


def test_a_network_of_another_run_decides_too(content, dense_only):
    other = RunDir(dense_only.path.with_name("other"))
    todo, reasons = planned(changed_recipe(content, "name=other", EARLY), other)
    assert (todo["dense"], todo["grokked_ticket"]) == ("take over", "skip")
    assert "has not generalised" in reasons["grokked_ticket"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            ["arms.grokked_ticket.source_step=600"],
            "dense seed 0 has no checkpoint at step 600: it ends at 500 at the latest; "
            "--set arms.grokked_ticket.source_step=STEP names an earlier step",
        ),
        (
            ["task.frac_train=1.0"],
            f"its source dense seed 0 has not generalised: it has no test set; {ANYWAY}",
        ),
        ([], f"may be skipped if dense has not generalised by its end; {ANYWAY}"),
        (
            ["arms.grokked_ticket.source_step=200"],
            "may be skipped if dense has not generalised by step 200 or dense ends before step 200; "
            f"{ANYWAY}",
        ),
        (
            ["arms.grokked_ticket.source_step=200", "pruning.require_generalised=false"],
            "may be skipped if dense ends before step 200",
        ),
        (
            [
                *("arms.grokked_ticket.source_step=200", "pruning.require_generalised=false"),
                "arms.dense.min_steps=200",
            ],
            None,
        ),
    ],
)
def test_before_anything_is_trained_a_reason_is_certain_or_a_condition(content, tmp_path, settings, reason):
    todo, reasons = planned(changed_recipe(content, *settings), RunDir(tmp_path / "tiny"))
    assert reasons["grokked_ticket"] == reason
    is_certain = reason is not None and not reason.startswith("may be")
    assert todo["grokked_ticket"] == todo["shuffled"] == ("skip" if is_certain else "train")
    follows = {True: "its source grokked_ticket seed 0 was not trained; its own note says why"}
    follows[False] = reason and "may be skipped if grokked_ticket is skipped"
    assert reasons["shuffled"] == follows[is_certain]


def test_a_half_trained_network_that_has_generalised_is_no_condition(content, dense_only):
    dense = dense_only.arm("dense", 0)
    dense.write_state({"step": 100})
    (dense.path / "DONE").unlink()
    assert planned(changed_recipe(content), dense_only)[1]["grokked_ticket"] is None
    early = planned(changed_recipe(content, EARLY), dense_only)[1]["grokked_ticket"]
    assert early == f"may be skipped if dense has not generalised by step 20; {ANYWAY}"


def test_reasons_are_printed_once_for_all_seeds_that_share_them(content, tmp_path):
    recipe = changed_recipe(content, "seeds=[0, 1]")
    lines = plan_reasons(Plan(recipe, RunDir(tmp_path / "tiny"), recipe.seeds).rows())
    assert lines == [
        f"grokked_ticket: may be skipped if dense has not generalised by its end; {ANYWAY}",
        "shuffled: may be skipped if grokked_ticket is skipped",
    ]


class CountedArms(dict):
    """Arms by name that count how often one is looked up."""

    n_lookups = 0

    def __getitem__(self, name):
        self.n_lookups += 1
        return super().__getitem__(name)


@pytest.mark.parametrize("n", [150, 1500])
def test_the_lookups_for_a_plan_grow_with_the_length_of_a_chain(n, tmp_path):
    """In the order of the recipe, in which the last network of the chain stands first."""
    arms = {f"a{i}": {"method": "magnitude", "source": f"a{i - 1}"} for i in range(n - 1, 0, -1)}
    content = {"name": "chain", "seeds": [0], "task": {"name": "add", "p": 7}, "arms": arms | {"a0": {}}}
    recipe = replace(recipe_from_dict(content), arms=CountedArms(recipe_from_dict(content).arms))
    recipe.arms.n_lookups = 0
    assert jobs(recipe, [0]) == [Job(f"a{i}", 0) for i in range(n)]
    assert recipe.arms.n_lookups <= 2 * n
    rows = Plan(recipe, RunDir(tmp_path / "chain"), [0]).rows()
    assert [row["todo"] for row in rows] == ["train"] * n
    assert recipe.arms.n_lookups <= 30 * n
