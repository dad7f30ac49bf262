"""Modular arithmetic: labels by definition, splits by size and parts."""

import random
from collections import Counter

import numpy as np
import pytest

from training.config.build_recipe import recipe_from_dict
from training.schema.validation import ConfigError
from training.tasks.modular import OPERATIONS, ModularTask
from training.tasks.registry import TASKS


def quotient(x, y, p):
    """Return the only z with z·y ≡ x, by trying."""
    (z,) = (z for z in range(p) if z * y % p == x)
    return z


ORACLE = {
    "add": lambda x, y, p: (x + y) % p,
    "sub": lambda x, y, p: (x - y) % p,
    "mul": lambda x, y, p: (x * y) % p,
    "div": quotient,
    "x2_plus_y2": lambda x, y, p: (x * x + y * y) % p,
    "x2_plus_xy_plus_y2": lambda x, y, p: (x * x + x * y + y * y) % p,
    "x3_plus_xy2_plus_y": lambda x, y, p: (x * x * x + x * y * y + y) % p,
}


def rows(inputs):
    return set(map(tuple, inputs.tolist()))


@pytest.mark.parametrize("pairs", ["unordered", "ordered"])
@pytest.mark.parametrize(
    ("name", "p"),
    [(name, p) for name in OPERATIONS for p in (3, 7, 9, 15, 67) if name != "div" or p not in (9, 15)],
)
def test_every_pair_comes_once_with_its_value_as_label(name, pairs, p):
    data = ModularTask(name=name, p=p, pairs=pairs, frac_train=0.5).build()
    expected = {(a, b) for a in range(p) for b in range(p) if pairs == "ordered" or a <= b}
    if name == "div":
        expected = {(a, b) for a, b in expected if b != 0}
    assert len(data.inputs) == len(expected) and rows(data.inputs) == expected
    for (a, b), label in zip(data.inputs.tolist(), data.labels.tolist(), strict=True):
        x, y = (b, a) if name == "sub" and pairs == "unordered" else (a, b)
        assert label == ORACLE[name](x, y, p)


def test_known_labels():
    def label(name, a, b, **settings):
        data = ModularTask(name=name, p=7, **settings).build()
        return data.labels[(data.inputs == [a, b]).all(axis=1)].item()

    assert label("sub", 2, 5) == 3  # b − a
    assert label("sub", 2, 5, pairs="ordered") == 4  # a − b = −3
    assert label("sub", 5, 2, pairs="ordered") == 3
    assert label("div", 3, 5) == 2  # 2 · 5 = 10 ≡ 3
    assert label("div", 0, 5) == 0
    assert label("x3_plus_xy2_plus_y", 2, 3) == 1  # 8 + 18 + 3 = 29
    assert label("x3_plus_xy2_plus_y", 3, 2, pairs="ordered") == 6  # 27 + 12 + 2 = 41


@pytest.mark.parametrize("name", OPERATIONS)
def test_symmetric_tasks_have_equal_labels_in_both_orders(name):
    assert ModularTask(name=name, p=7).symmetric
    task = ModularTask(name=name, p=7, pairs="ordered")
    data = task.build()
    label = dict(zip(map(tuple, data.inputs.tolist()), data.labels.tolist(), strict=True))
    assert task.symmetric == all(label.get((b, a), value) == value for (a, b), value in label.items())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_recipe_refuses_tasks_that_its_network_cannot_learn(name):
    def read(pairs):
        task = {"name": name, "p": 7, "pairs": pairs}
        return recipe_from_dict({"name": "any", "task": task, "arms": {"dense": {}}})

    assert read("unordered").task.name == name
    if OPERATIONS[name].commutes:
        assert read("ordered").task.name == name
    else:
        with pytest.raises(ConfigError, match=rf"task: expected a task symmetric .* got '{name}'"):
            read("ordered")


@pytest.mark.parametrize(
    ("settings", "n_train", "n_test"),
    [
        ({}, 911, 1367),
        ({"frac_train": 0.5}, 1139, 1139),
        ({"name": "sub"}, 911, 1367),
        ({"name": "div"}, 910, 1367),
        ({"pairs": "ordered"}, 1795, 2694),
        ({"pairs": "ordered", "pair_split": True}, 1795, 2694),
        ({"pairs": "ordered", "name": "div"}, 1768, 2654),
        ({"p": 113, "pairs": "ordered", "frac_train": 0.3}, 3830, 8939),
    ],
)
def test_the_papers_splits_have_their_sizes(settings, n_train, n_test):
    data = ModularTask(**settings).build()
    assert (data.n_train, len(data.inputs) - data.n_train) == (n_train, n_test)


@pytest.mark.parametrize("name", ["add", "mul", "div"])
def test_the_split_depends_on_its_seed(name):
    first, again, other = (ModularTask(name=name, p=11, split_seed=seed).build() for seed in (0, 0, 1))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    train, other_train = (rows(d.inputs[: d.n_train]) for d in (first, other))
    assert len(train) == len(other_train) and train != other_train
    assert 0 < len(train & other_train) < len(train)


def test_operations_share_their_split():
    add, sub = (ModularTask(name=name, p=11).build() for name in ("add", "sub"))
    np.testing.assert_array_equal(add.inputs, sub.inputs)


def test_a_larger_training_set_contains_a_smaller_one():
    small, large = (ModularTask(p=11, frac_train=f).build() for f in (0.3, 0.6))
    np.testing.assert_array_equal(small.inputs, large.inputs)
    assert (small.n_train, large.n_train) == (19, 39)


@pytest.mark.parametrize("name", ["add", "div"])
@pytest.mark.parametrize("p", [3, 7, 11])
def test_a_pair_split_separates_no_pair_and_has_the_exact_size(p, name):
    n = p**2 if name == "add" else p * (p - 1)
    for n_train in range(1, n):
        for seed in range(3):
            share = (n_train + 0.5) / n
            settings = {"name": name, "p": p, "frac_train": share, "split_seed": seed, "pairs": "ordered"}
            free = ModularTask(**settings).build()
            data = ModularTask(**settings, pair_split=True).build()
            assert data.n_train == free.n_train == n_train
            assert len(data.inputs) == n and rows(data.inputs) == rows(free.inputs)
            train, test = rows(data.inputs[:n_train]), rows(data.inputs[n_train:])
            assert not {(b, a) for a, b in train} & test
            oracle = [ORACLE[name](a, b, p) for a, b in data.inputs.tolist()]
            assert data.labels.tolist() == oracle


def test_a_pair_split_is_drawn_from_the_seed():
    def train(seed):
        data = ModularTask(p=11, pairs="ordered", pair_split=True, split_seed=seed).build()
        return rows(data.inputs[: data.n_train])

    assert train(0) == train(0) != train(1)
    members = sum(np.isin(range(11), [a for a, b in train(seed) if a == b]) for seed in range(200))
    assert members.min() > 50 and members.max() < 110  # 0.4 · 200 = 80 each, no residue favoured


@pytest.mark.parametrize("p", [-3, 0, 1, 2, 4, 68])
def test_even_or_small_moduli_are_refused(p):
    with pytest.raises(ConfigError, match=f"p: expected an odd number from 3, got {p}"):
        ModularTask(p=p)


@pytest.mark.parametrize("p", [9, 15, 49, 121])
def test_division_needs_a_prime(p):
    assert ModularTask(name="mul", p=p).n_outputs == p
    with pytest.raises(ConfigError, match=f"p: expected a prime for div.*, got {p}"):
        ModularTask(name="div", p=p)


@pytest.mark.parametrize("share", [0.0, 1.01, -0.5, 0.01, float("nan")])
def test_a_split_without_pairs_is_refused(share):
    with pytest.raises(ConfigError, match="frac_train: expected"):
        ModularTask(p=3, frac_train=share)


def test_other_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match="split_seed: expected a whole number from 0, got -1"):
        ModularTask(split_seed=-1)
    with pytest.raises(ConfigError, match=r"pairs: expected 'ordered' with pair_split.*, got 'unordered'"):
        ModularTask(pair_split=True)


def test_an_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"task.name: expected one of add, digits, div, .*, got 'xor'"):
        recipe_from_dict({"name": "any", "task": {"name": "xor"}, "arms": {"dense": {}}})
    task = ModularTask(p=7)
    object.__setattr__(task, "name", "xor")  # under test the type check would come first
    with pytest.raises(ConfigError, match=r"name: expected one of add, div, mul, .*, got 'xor'"):
        task.__post_init__()


def test_the_share_is_rounded_down_to_leave_a_test_pair():
    assert ModularTask(p=3, frac_train=0.999999).build().n_train == 5


def test_tasks_are_registered_by_name():
    assert all(cls(name=name).name == name for name, cls in TASKS.items())
    assert {name for name, cls in TASKS.items() if cls is ModularTask} == set(OPERATIONS)


def test_with_all_pairs_for_training_there_is_no_test_set():
    data = ModularTask(p=7, pairs="ordered", frac_train=1.0).build()
    assert data.n_train == len(data.inputs) == 49
    assert ModularTask(p=7, pairs="ordered", frac_train=1.0, pair_split=True).build().n_train == 49


@pytest.mark.parametrize("frac_train", [0.3, 0.75, 1.0])
def test_unordered_pairs_count_the_ordered_pairs_of_their_part(frac_train):
    data = ModularTask(p=9, pairs="ordered", frac_train=frac_train).build()
    merged = data.unordered()
    both = Counter((i >= data.n_train, *sorted(pair)) for i, pair in enumerate(data.inputs.tolist()))
    merged_pairs = {
        (i >= merged.n_train, *sorted(pair)): count
        for i, (pair, count) in enumerate(zip(merged.inputs.tolist(), merged.counts.tolist(), strict=True))
    }
    assert merged_pairs == both and len(merged_pairs) == len(merged.inputs)
    np.testing.assert_array_equal(merged.labels, merged.inputs.sum(1) % 9)


def test_unordered_pairs_are_not_merged():
    data = ModularTask(p=9).build()
    assert data.unordered() is data


@pytest.mark.parametrize(("p", "plateau"), [(23, 0.7368), (29, 0.7867), (31, 0.7635)])
def test_the_split_of_he_et_al_has_the_published_share_of_transposes(p, plateau):
    """A symmetric network is right on transposes of training pairs."""
    data = ModularTask(p=p, pairs="ordered", frac_train=0.75, split="he", split_seed=42).build()
    assert rows(data.inputs) == {(a, b) for a in range(p) for b in range(p)}
    train, test = rows(data.inputs[: data.n_train]), rows(data.inputs[data.n_train :])
    assert sum((b, a) in train for a, b in test) / len(test) == pytest.approx(plateau, abs=5e-5)


@pytest.mark.parametrize("split", ["he", "nanda"])
@pytest.mark.parametrize("other", [{"pairs": "unordered"}, {"pair_split": True}, {"name": "div"}])
def test_the_splits_of_papers_need_all_ordered_pairs(other, split):
    with pytest.raises(ConfigError, match="split: expected 'own' unless all ordered pairs are drawn one by"):
        ModularTask(**{"p": 7, "pairs": "ordered", "split": split, **other})


def test_the_split_of_nanda_et_al_is_pythons_shuffle_of_a_list_of_pairs():
    pairs = [(a, b) for a in range(113) for b in range(113)]
    random.seed(0)
    random.shuffle(pairs)
    data = ModularTask(p=113, pairs="ordered", frac_train=0.3, split="nanda").build()
    assert data.n_train == int(0.3 * 113**2) == 3830
    np.testing.assert_array_equal(data.inputs, pairs)
    np.testing.assert_array_equal(data.labels, [(a + b) % 113 for a, b in pairs])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "(a + b) mod 67 on 2,278 unordered pairs a ≤ b, 911 for training"),
        ({"name": "sub"}, "(b − a) mod 67 on 2,278 unordered pairs a ≤ b, 911 for training"),
        (
            {"name": "sub", "pairs": "ordered", "p": 5},
            "(a − b) mod 5 on 25 ordered pairs (a, b), 10 for training",
        ),
        (
            {"name": "div", "pairs": "ordered", "p": 5},
            "(a / b) mod 5 on 20 ordered pairs (a, b) with an inverse of b, 8 for training",
        ),
    ],
)
def test_a_task_says_what_its_labels_and_pairs_are(settings, text):
    assert ModularTask(**settings).describe() == text


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("pairs", ["ordered", "unordered"])
def test_the_formula_in_words_gives_the_labels(name, pairs):
    task = ModularTask(name=name, pairs=pairs, p=7)
    formula = task.describe().partition(") mod")[0].removeprefix("(")
    for text, code in {"−": "-", "·": "*", "²": "**2", "³": "**3", "ab": "a*b"}.items():
        formula = formula.replace(text, code)
    formula = formula.replace("a / b", "a * pow(b, -1, 7)")
    data = task.build()
    values = [eval(formula, {"a": int(a), "b": int(b)}) % 7 for a, b in data.inputs]
    assert values == data.labels.tolist()
