import numpy as np
import pytest

from analyses.loading.chosen_networks import open_networks
from analyses.loading.neuron_maps import neuron_maps
from analyses.snapshots import explored_networks
from analyses.snapshots import mask_graphs as module
from analyses.snapshots.explored_networks import explored_tables
from analyses.snapshots.mask_graphs import mask_graphs
from analyses.snapshots.schema import ANALYSIS, CIRCLES, MASK_GRAPHS, PAIRS, WAVES
from analyses.tables.storage import fitted_table
from interp.mechanism.two_layer_forward import pair_logits
from training.inspection.run import open_run


@pytest.fixture(scope="module")
def tables(analysed):
    return analysed.tables(*ANALYSIS)


def numbers_of(rows):
    return rows[[name for name in rows if name.isdecimal()]].to_numpy(dtype=float)


@pytest.mark.parametrize("seed", [0, 1])
def test_waves_are_the_maps_of_every_network(tables, tiny_run, seed):
    network = open_run(tiny_run)["grokked_ticket", seed]
    weights = network.weights()
    waves = tables[WAVES].query("arm == 'grokked_ticket' and seed == @seed")
    for name, expected in zip(("input", "output"), neuron_maps(network, weights), strict=True):
        rows = waves[waves["map"] == name]
        assert sorted(set(rows["step"])) == network.steps.tolist()
        for t, step in enumerate(network.steps):
            at = rows[rows["step"] == step].sort_values("neuron")
            np.testing.assert_allclose(numbers_of(at), expected[t], rtol=1e-6)


def test_waves_labels_and_split_give_the_accuracy_of_the_network(tables, tiny_run):
    network = open_run(tiny_run)["dense", 0]
    last = tables[WAVES].query("arm == 'dense' and seed == 0 and step == 8000").sort_values("neuron")
    maps = [numbers_of(last[last["map"] == name]) for name in ("input", "output")]
    of_network = tables[PAIRS].query("arm == 'dense' and seed == 0").sort_values("a")
    label, trained = (numbers_of(of_network.query("quantity == @q")) for q in ("label", "trained"))
    a, b = np.indices((11, 11))
    np.testing.assert_array_equal(label, (a + b) % 11)
    assert np.isfinite(trained).sum() == 66 and np.isnan(trained[np.tril_indices(11, -1)]).all()
    assert np.nansum(trained) == network.setting.task.build().n_train
    right = pair_logits(*maps).argmax(axis=-1) == label
    data = network.setting.task.build()
    x, y = data.inputs[: data.n_train].T
    assert right[trained == 1].mean() == right[x, y].mean()


def test_circles_are_projections_of_the_embedding(tables, tiny_run):
    W_E = open_run(tiny_run)["dense", 0].weights("W_E")[-1].astype(float)
    rows = tables[CIRCLES].query("arm == 'dense' and seed == 0 and step == 8000")
    assert len(set(rows["frequency"])) == 5  # all of (11 − 1) / 2
    for _, row in rows.iterrows():
        angle = 2 * np.pi * row["frequency"] * np.arange(11) / 11
        direction = (np.cos(angle) if row["axis"] == "cosine" else np.sin(angle)) @ W_E
        expected = W_E @ direction / np.linalg.norm(direction)
        np.testing.assert_allclose(row[[str(i) for i in range(11)]].astype(float), expected, atol=1e-5)


def test_units_of_the_masks_graph_stand_by_frequency_and_are_joined_by_shared_weights():
    generator = np.random.default_rng(0)
    of_neuron = np.array([0, 1, 2, 0, 1, 2])  # neurons of a group keep the same weights
    groups = generator.random((200, 3)) < 0.4
    mask = {"W_E": np.ones((11, 200), dtype=bool), "W_in": groups[:, of_neuron], "W_out": groups.T[of_neuron]}
    input_map = np.cos(2 * np.pi * np.outer([3, 1, 2, 3, 1, 2], np.arange(11)) / 11)
    graphs = {(rows["layer"][0], rows["kind"][0]): rows for rows in mask_graphs(mask, input_map, seed=0)}
    for layer in ("W_in", "W_out"):
        assert of_neuron[graphs[layer, "mask"]["unit"]].tolist() == [1, 1, 2, 2, 0, 0]  # by frequency
        pairs = np.kron(np.eye(3), 1 - np.eye(2))
        shared = np.repeat(groups.sum(axis=0)[[1, 2, 0]], 2)[:, None]
        np.testing.assert_array_equal(numbers_of(graphs[layer, "mask"]), pairs * shared)
        assert not numbers_of(graphs[layer, "density"]).any()
        assert (numbers_of(graphs[layer, "degree"]) != pairs * shared).any()
    assert graphs["W_E", "mask"]["unit"].tolist() == list(range(11))


def test_a_layer_of_many_units_is_sampled(monkeypatch):
    monkeypatch.setattr(module, "MOST_UNITS", 4)
    graph, *_ = mask_graphs({"W_U": np.eye(9, dtype=bool)}, np.ones((3, 11)), seed=0)
    assert graph["unit"].tolist() == [0, 3, 5, 8] and numbers_of(graph).shape == (4, 4)


def test_a_wide_network_is_sampled_and_a_long_one_thinned(tiny_run, monkeypatch):
    monkeypatch.setattr(explored_networks, "MOST_WAVES", 4)
    monkeypatch.setattr(explored_networks, "SAMPLED_WAVES", 3)
    monkeypatch.setattr(explored_networks, "MOST_NUMBERS", 0)
    monkeypatch.setattr(explored_networks, "LEAST_STEPS", 2)
    tables = explored_tables(open_networks(str(tiny_run), ["dense"], [0]).finished)
    waves = tables[WAVES].query("map == 'input'")
    assert len(set(waves["neuron"])) == 3 and set(tables[PAIRS]["quantity"]) == {"label", "trained"}
    assert {0, 8000} <= set(waves["step"]) < {0, 100, 200, 2000, 4000, 6000, 8000}


def test_a_transformer_has_margins_and_attention(trained_run):
    content = {"name": "small", "seeds": [0], "arms": {"dense": {"min_steps": 20, "max_steps": 20}}}
    content |= {"task": {"name": "add", "p": 7, "pairs": "ordered", "frac_train": 0.5}}
    model = {"name": "transformer", "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 6}
    run = trained_run(content | {"model": model, "measure": {"checkpoints": [{"every": 10}]}})
    network = open_run(run.path)["dense", 0]
    tables = explored_tables([network])
    for table, rows in tables.items():
        assert (len(fitted_table(table, rows, {"dense": "dense"}, {})) > 0) == (table != MASK_GRAPHS)
    last = {name: W[-1] for name, W in network.weights().items()}
    passes = network.setting.model.pair_activations(last)
    rows = tables[PAIRS].query("step == 20").sort_values("a")
    np.testing.assert_allclose(
        numbers_of(rows.query("quantity == 'attention 1'")), passes.attention[..., 1], rtol=1e-5
    )
    a, b = np.indices((7, 7))
    right = np.take_along_axis(passes.logits, ((a + b) % 7)[..., None], axis=-1)
    others = np.where(np.arange(7) == ((a + b) % 7)[..., None], -np.inf, passes.logits)
    expected = right[..., 0] - others.max(axis=-1)
    np.testing.assert_allclose(numbers_of(rows.query("quantity == 'margin'")), expected, atol=1e-5)
