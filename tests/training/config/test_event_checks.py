"""Events of a recipe that cannot be: one clear line each."""

import re
from pathlib import Path

import pytest

from training.config.build_recipe import recipe_content, recipe_from_dict, recipe_text
from training.config.recipe_files import read_recipe
from training.optimization.events import EVENTS
from training.schema.validation import ConfigError

FREEZE = {"name": "freeze", "at": 10}
REMOVE = {"name": "remove_frequencies", "at": 10, "weights": ["W_E"], "frequencies": [1]}
KEYS = {"name": "remove_frequencies", "at": 10, "weights": ["W_E"], "keys_of": "dense"}
GIVE = {"name": "transplant", "at": 10, "arm": "dense", "step": 0, "weights": ["W_E"], "frequencies": [1]}
PRUNE = {"name": "prune", "at": 10, "method": "magnitude"}
DECAY = {"name": "set_optimizer", "at": 10, "weight_decay": 0.0}


def recipe_of(*events, **fields):
    arms = {
        "dense": {},
        "ticket": {"method": "magnitude", "source": "dense"},
        "wide": {"model": {"d_emb": 20}},
        "x": {"events": list(events), **fields},
    }
    model = {"name": "embed_mlp", "d_emb": 12, "d_mlp": 16}
    return recipe_from_dict({"name": "tiny", "task": {"p": 7}, "model": model, "arms": arms})


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"name": "thaw", "at": 1}, r"arms.x.events\[0\].name: expected one of freeze, prune, "),
        ({"at": 1}, r"events\[0\].name: expected one of .*, got None"),
        ({"name": "freeze"}, r"events\[0\].at: missing"),
        (FREEZE | {"until": 10}, "until: expected a step after at = 10, got 10"),
        (FREEZE | {"until": 20, "lasts": 5}, "lasts: expected none beside until, got 5"),
        (FREEZE | {"lasts": 0}, "lasts: expected a number of updates above 0, got 0"),
        (GIVE | {"lasts": 2}, "lasts: expected none: transplant acts once"),
        (FREEZE | {"at": -1}, "at: expected a step from 0, got -1"),
        (FREEZE | {"at": "end"}, "at: expected a whole number, or one of t_gen, t_mem, got 'end'"),
        (FREEZE | {"at": 1.5}, "at: expected a whole number, or one of t_gen, t_mem"),
        (FREEZE | {"at": "t_gen", "until": "t_gen"}, "until: expected another time"),
        (FREEZE | {"of": "dense"}, "of: expected none beside steps"),
        (FREEZE | {"weight": "W_E"}, "weight: unknown field"),
        (FREEZE | {"weights": ["W_Q"]}, "weights: expected some of W_E, W_U, W_in, W_out, got 'W_Q'"),
        (FREEZE | {"weights": ["W_E", "W_E"]}, "weights: expected every weight once"),
        (
            FREEZE | {"at": "t_gen", "of": "nobody"},
            "arms that are there, as dense, .*, got 'nobody'",
        ),
        (FREEZE | {"at": "t_gen", "of": "x"}, "is a circle"),
        ({"name": "set_optimizer", "at": 1}, "lr: expected one of lr, weight_decay, betas, eps"),
        (DECAY | {"lr": -1.0}, "lr: expected a number above 0"),
        (DECAY | {"betas": [0.9]}, "betas: expected a list of 2"),
        (
            REMOVE | {"frequencies": [4]},
            "frequencies: expected .* whole numbers from 1 to 3, got",
        ),
        (REMOVE | {"frequencies": [0]}, "from 1 to 3, got"),
        (REMOVE | {"frequencies": []}, "frequencies: expected one or more"),
        (REMOVE | {"frequencies": [1, 1]}, "frequencies: expected one or more different"),
        (REMOVE | {"weights": ["W_in"]}, "weights: expected some of W_E, W_U, got 'W_in'"),
        (REMOVE | {"weights": []}, "weights: expected one or more"),
        ({"name": "remove_frequencies", "at": 1}, "weights: missing"),
        (REMOVE | {"keys_of": "dense"}, r"frequencies: expected none beside keys_of, got \[1\]"),
        (REMOVE | {"others": True}, "others: expected false without keys_of"),
        (KEYS | {"keys_of": "nobody"}, "arms that are there, as dense, .*, got 'nobody'"),
        (KEYS | {"keys_of": "x"}, "is a circle"),
        (KEYS | {"keys_of": "wide"}, r"keys_of: expected an arm whose W_E has the shape \(7, 12\), got"),
        (GIVE | {"until": 20}, "until: expected none: transplant acts once"),
        (GIVE | {"arm": "wide"}, r"arm: expected an arm whose W_E has the shape \(7, 12\), got"),
        (GIVE | {"step": 33}, "step: expected a step of dense with a checkpoint, got 33"),
        (GIVE | {"arm": "x"}, "is a circle"),
        (PRUNE | {"mask": "ticket"}, "method: expected a method or a mask, and not both"),
        ({"name": "prune", "at": 1}, "method: expected a method or a mask"),
        (PRUNE | {"method": "shuffled"}, "method: expected one of .*snip.*, got 'shuffled'"),
        (PRUNE | {"sparsity": 1.0}, "sparsity: expected a number in"),
        (
            {"name": "prune", "at": 1, "mask": "dense"},
            "mask: expected an arm with a mask, got",
        ),
        (
            {"name": "prune", "at": 1, "mask": "ticket", "sparsity": 0.5},
            "sparsity: expected none",
        ),
        ("freeze", r"events\[0\]: expected a table of fields, got 'freeze'"),
    ],
)
def test_an_event_that_cannot_be_is_refused_in_one_line(event, message):
    with pytest.raises(ConfigError, match=message) as error:
        recipe_of(event)
    assert "\n" not in str(error.value) and str(error.value).startswith("arms.x.events")


@pytest.mark.parametrize(
    ("fields", "event", "message"),
    [
        ({"method": "random"}, REMOVE, "weights: expected weights without a mask"),
        ({"form": "edge_popup"}, FREEZE, "name: expected an event for trained scores, as set_optimizer"),
    ],
)
def test_an_event_is_checked_against_its_arm(fields, event, message):
    with pytest.raises(ConfigError, match=message):
        recipe_of(event, **fields)


def test_frequencies_need_a_task_on_residues():
    task, model = {"name": "digits", "n_train": 20, "n_test": 20}, {"name": "mlp", "widths": [8]}
    arms = {"x": {"events": [REMOVE | {"weights": ["W_0"]}]}}
    with pytest.raises(ConfigError, match="frequencies: expected a task on residues mod p"):
        recipe_from_dict({"name": "tiny", "task": task, "model": model, "arms": arms})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DECAY, DECAY | {"at": 20}),
        (FREEZE | {"weights": ["W_E"]}, REMOVE | {"at": 20}),
        (FREEZE, PRUNE | {"at": 50}),
        (FREEZE, GIVE),
        (PRUNE, REMOVE),
        (REMOVE, GIVE | {"at": 12}),
        (GIVE, GIVE | {"step": 100}),
        (DECAY | {"until": "t_gen"}, DECAY | {"at": 5000}),
        (DECAY | {"lasts": 11}, DECAY | {"at": 20}),
        (FREEZE | {"at": "t_gen"}, PRUNE),
    ],
)
def test_two_events_that_contradict_are_refused(one, other):
    for pair in ((one, other), (other, one)):
        with pytest.raises(
            ConfigError, match=r"both decide .* at a time; expected one event to end, by until"
        ):
            recipe_of(*pair)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DECAY | {"until": 20}, DECAY | {"at": 20}),
        (DECAY | {"lasts": 10}, DECAY | {"at": 20}),
        (DECAY | {"until": "t_gen"}, DECAY | {"at": "t_gen"}),
        (DECAY, {"name": "set_optimizer", "at": 15, "lr": 0.1}),
        (FREEZE | {"weights": ["W_in"]}, REMOVE),
        (FREEZE, FREEZE | {"at": 20}),
        (REMOVE, REMOVE | {"frequencies": [2]}),
        (REMOVE, GIVE | {"frequencies": [2]}),
        (GIVE, GIVE | {"at": 11}),
        (GIVE, FREEZE | {"at": 20}),
        (PRUNE, {"name": "prune", "at": 20, "mask": "ticket"}),
    ],
)
def test_events_that_do_not_meet_are_taken(one, other):
    recipe = recipe_of(one, other)
    assert recipe_from_dict(recipe_content(recipe)) == recipe


def test_a_circle_of_arms_that_events_read_is_refused():
    arms = {
        "a": {"events": [FREEZE | {"at": "t_gen", "of": "b"}]},
        "b": {"method": "magnitude", "source": "c"},
        "c": {"events": [{"name": "prune", "at": 1, "mask": "b"}]},
    }
    with pytest.raises(ConfigError, match=r"arms.a.events: (b → c → b|c → b → c) is a circle"):
        recipe_from_dict({"name": "tiny", "task": {"p": 7}, "model": {"name": "embed_mlp"}, "arms": arms})


def test_a_recipe_with_events_is_read_from_toml_and_written_so_again(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'base = "modadd_fast"\nbase_arms = ["dense", "grokked_ticket"]\n'
        '[arms.late]\n[[arms.late.events]]\nname = "prune"\nat = "t_gen"\nof = "dense"\n'
        'mask = "grokked_ticket"\n'
        '[[arms.late.events]]\nname = "set_optimizer"\nat = 100\nuntil = 200\nlr = 0.1\n'
    )
    recipe, _ = read_recipe(str(path))
    assert [event.name for event in recipe.arms["late"].events] == ["prune", "set_optimizer"]
    again = tmp_path / "again.toml"
    again.write_text(recipe_text(recipe, {}))
    assert read_recipe(str(again))[0] == recipe
    settings = ["arms.late.events=[{name='freeze', at=5}]"]
    assert read_recipe(str(path), settings)[0].arms["late"].events[0].name == "freeze"


def test_the_recipe_of_the_documentation_is_one(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "training.md").read_text()
    (block,) = [
        block for block in re.findall(r"^```toml\n(.*?)^```$", text, re.S | re.M) if "events" in block
    ]
    (tmp_path / "mine.toml").write_text(block)
    recipe, _ = read_recipe(str(tmp_path / "mine.toml"))
    assert {event.name for arm in recipe.arms.values() for event in arm.events} == {*EVENTS}
