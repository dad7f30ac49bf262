"""Command `analyses.stitching`: against hooks one at a time, on planted networks, and its refusals."""

import numpy as np
import pytest
import torch
from builders import run_analysis, saved_tables

from analyses import measure
from analyses.loading.needs import lacks
from analyses.stitching.neuron_layers import layers_of
from analyses.stitching.schema import ANALYSIS, STITCHING
from training.inspection import load_hooked, open_run
from training.inspection.trained_network import Network

KEY = ["arm", "seed", "step", "reader", "reader_seed", "reader_step", "places", "neurons"]
OUTPUT_WEIGHTS = {"embed_mlp": ("W_out", "W_U"), "one_hot_mlp": ("W_out",), "mlp": ("W_2",)}
MODELS = {
    "embed_mlp": {"name": "embed_mlp", "d_emb": 6, "d_mlp": 9},
    "one_hot_mlp": {"name": "one_hot_mlp", "d_mlp": 9, "activation": "square"},
    "mlp": {"name": "mlp", "widths": [7, 9]},
}
PAIRS = {"name": "add", "p": 7, "pairs": "unordered", "frac_train": 0.5}
BITS = {"name": "parity", "n_bits": 6, "k": 2, "n_train": 30, "n_test": 20}


@pytest.fixture(scope="module", params=MODELS)
def trained(request, trained_run):
    """Return a run of a model with a ticket, a ticket of another start and a wider network."""
    model = MODELS[request.param]
    arms = {
        "dense": {"min_steps": 40, "max_steps": 40},
        "ticket": {"method": "magnitude", "source": "dense", "max_steps": 20},
        "reborn": {"method": "magnitude", "source": "dense", "max_steps": 20, "start": "random_reinit"},
        "wide": {"max_steps": 20, "model": {"d_mlp": 11} if "d_mlp" in model else {"widths": [7, 11]}},
    }
    content = {"name": "stitched", "seeds": [0, 1], "model": model, "arms": arms}
    content |= {
        "task": BITS if request.param == "mlp" else PAIRS,
        "measure": {"checkpoints": [{"every": 20}]},
    }
    content |= {"pruning": {"sparsity": 0.8, "scope": "layer", "require_generalised": False}}
    return request.param, trained_run(content)


@pytest.fixture(scope="module")
def stitched(trained, tmp_path_factory):
    """Return the model's name, its run, the table and what was printed."""
    name, run = trained
    out = tmp_path_factory.mktemp("stitched")
    done = run_analysis("stitching", run.path, "--jobs", "1", "--out", str(out))
    assert done.code == 0, done.err
    return name, run, saved_tables(out, ANALYSIS)[STITCHING], done


def by_hooks(name, run, row):
    """Return the losses and accuracies of one row, by hooks that replace the weights after the neurons."""
    network = load_hooked(run.path, row.arm, row.seed, row.step)
    source = load_hooked(run.path, row.reader, row.reader_seed, row.reader_step)
    hooks = [
        (f"hook_{weight}", lambda _, hook, weight=weight: getattr(source, weight))
        for weight in OUTPUT_WEIGHTS[name]
    ]
    logits = network.run_with_hooks(network.inputs, fwd_hooks=hooks)
    other = logits.scatter(-1, network.labels[:, None], -torch.inf).amax(-1)  # a tie counts as wrong
    is_right = logits.gather(-1, network.labels[:, None])[:, 0] > other
    return {
        f"{part}_{score}": value
        for part, at in (("train", network.train), ("test", network.test))
        for score, value in (
            ("loss", network.loss(logits, part).item()),
            ("acc", is_right[at].double().mean().item()),
        )
    }


def test_stitched_networks_are_those_of_replaced_weights(stitched):
    name, run, table, _ = stitched
    plain = table[(table["places"] == "place") & (table["neurons"] == "all")]
    chosen = plain.groupby(["arm", "reader", "start"]).head(2)
    assert len(chosen) > 12 and set(chosen["start"]) == {"itself", "shared", "unlike", "other seed"}
    for row in chosen.itertuples():
        for column, value in by_hooks(name, run, row).items():
            assert getattr(row, column) == pytest.approx(value, rel=1e-10, abs=1e-12), (row, column)


def test_a_network_read_by_itself_is_itself(stitched):
    _, run, table, _ = stitched
    own = table[(table["start"] == "itself") & (table["step"] == table["reader_step"])]
    own = own[(own["places"] == "place") & (own["neurons"] == "all")].set_index(["arm", "seed", "step"])
    for network in open_run(run.path):
        curves = network.metrics.set_index("step")
        for step in network.steps:
            row = own.loc[(network.arm, network.seed, step)]
            assert row["test_loss"] == pytest.approx(curves.loc[step, "test_loss"], rel=1e-5)
            assert row["train_acc"] == pytest.approx(curves.loc[step, "train_acc"])


def test_other_starts_and_sizes_are_matched_and_named_once(stitched):
    name, _, table, done = stitched
    shared = table[table["start"] == "shared"]
    assert set(zip(shared["arm"], shared["reader"], strict=True)) == {
        ("dense", "ticket"),
        ("ticket", "dense"),
    }
    assert done.err.count("dense read by reborn: other initial weights: neurons are matched") == 1
    assert done.err.count("dense read by wide: 9 and 11 neurons: neurons are matched") == 1
    wide = table[(table["arm"] == "dense") & (table["reader"] == "wide")]
    ways = {"wave"} if name == "mlp" else {"wave", "spectrum"}
    assert set(wide["places"]) == ways and (wide["n_neurons"] == 9).all()
    itself = table[(table["start"] == "itself") & (table["step"] == table["reader_step"])]
    itself = itself[itself["places"] == "place"]
    assert itself["similarity"].to_numpy() == pytest.approx(1)
    matched = table[table["places"] == "wave"].set_index(["arm", "seed", "step", "reader", "reader_seed"])
    others = table[~table["start"].isin(("itself", "shared")) & (table["places"] != "wave")].set_index(
        matched.index.names
    )
    assert not (matched["similarity"].reindex(others.index) < others["similarity"] - 0.2).any()
    other = table[table["reader_seed"] != table["seed"]]
    assert set(other["reader"]) == {"dense", "ticket"} and set(other["start"]) == {"other seed"}


def test_kept_neurons_are_those_with_a_path_through_the_mask(stitched):
    name, run, table, _ = stitched
    into, out_of = {"mlp": ("W_1", "W_2")}.get(name, ("W_in", "W_out"))
    for network in open_run(run.path):
        if network.arm != "ticket":
            continue
        kept, mask = layers_of(network).kept, network.mask
        assert (kept <= (mask[into].any(0) & mask[out_of].any(1))).all()
        if name == "one_hot_mlp":
            assert (kept == (mask[into].any(0) & mask[out_of].any(1))).all()
        rows = table[(table["neurons"] == "kept") & (table["seed"] == network.seed)]
        rows = rows[rows["arm"].isin(("dense", "ticket"))]
        assert kept.all() or ((rows["n_neurons"] == kept.sum()).all() and len(rows))


def test_neurons_of_the_start_are_read_and_keys_are_unique(stitched):
    _, _, table, _ = stitched
    assert not table.duplicated(KEY).any()
    assert set(table.loc[table["step"] == 0, "arm"]) == {"dense", "ticket", "reborn", "wide"}
    permuted = table[table["places"] == "permuted"]
    assert set(permuted["reader"]) == {"dense"} and len(permuted)


def test_planted_networks_of_two_seeds_read_each_other(analysed):
    table = analysed.table(STITCHING)  # both seeds' dense networks end with the same planted weights
    last = table.query("arm == 'dense' and reader == 'dense' and step == 8000 and reader_step == 8000")
    itself = last[(last["places"] == "place") & (last["neurons"] == "all") & (last["start"] == "itself")]
    other = last[last["start"] == "other seed"]
    for seed, rows in other.groupby("seed"):
        (own,) = itself.loc[itself["seed"] == seed, "all_loss"]
        by_places = rows.set_index("places")
        assert by_places.loc["place", "all_loss"] == pytest.approx(own, rel=1e-4)
        assert by_places.loc["wave", "all_loss"] == pytest.approx(own, rel=1e-4)
        assert by_places.loc["wave", "similarity"] == pytest.approx(1, abs=1e-4)
    permuted = last[last["places"] == "permuted"]
    assert (permuted["all_loss"].to_numpy() > itself["all_loss"].to_numpy() + 0.1).all()


def test_readers_are_chosen_and_unknown_ones_are_refused_in_one_line(tiny_run, tmp_path):
    done = run_analysis("stitching", tiny_run, "--readers", "random", "--out", str(tmp_path))
    assert done.code == 0
    rows = saved_tables(tmp_path, ANALYSIS)[STITCHING]
    assert set(rows.loc[rows["start"] != "itself", "reader"]) == {"random"}
    refused = run_analysis("stitching", tiny_run, "--readers", "none", "--out", str(tmp_path / "x"))
    assert refused.code != 0 and refused.err.strip().count("\n") == 0
    assert "--readers: expected some of dense, grokked_ticket, random, got 'none'" in refused.err
    assert not (tmp_path / "x").exists()


def test_chosen_steps_and_arms_are_measured(tiny_run):
    found = measure(tiny_run, "stitching", arms=["grokked_ticket"], steps=[100], jobs=1)
    assert set(found.table["step"]) == {100} and set(found.table["reader"]) == {"grokked_ticket"}
    assert {row["n_seeds"] for row in found.summary["stitched"]} == {2}


def test_transformers_and_tasks_without_classes_are_left_out_by_name(new_run):
    contents = {
        "neurons": {"task": PAIRS | {"pairs": "ordered"}, "model": {"name": "transformer"}},
        "classes": {"task": {"name": "polynomial"}, "model": MODELS["mlp"]},
    }
    reasons = []
    for need, content in contents.items():
        run, recipe = new_run({"name": "unfit", "seeds": [0], "arms": {"dense": {}}} | content)
        reasons.append(lacks(Network(run.arm("dense", 0), recipe), need))
        assert need in ANALYSIS.needs
    assert reasons[0].startswith("expected logits that are neurons times an output map, got a transformer")
    assert reasons[1] == "expected a task with classes, got polynomial"


def test_layers_agree_with_the_models_own_activations(tiny_run):
    network = open_run(tiny_run)["grokked_ticket", 0]
    layers = layers_of(network)
    last = {name: w[-1] for name, w in network.weights().items()}
    found = network.setting.model.pair_activations(last)
    a, b = load_hooked(tiny_run, "grokked_ticket", 0).pairs.numpy().T
    np.testing.assert_allclose(layers.neurons(-1).activations(), found.hidden[a, b].T, atol=1e-12)
    assert layers.begins_as(layers_of(open_run(tiny_run)["dense", 0]))
    assert not layers.begins_as(layers_of(open_run(tiny_run)["dense", 1]))
