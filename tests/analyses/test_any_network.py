"""Measures of a plain torch module, against the tables of the commands."""

import numpy as np
import pytest
import torch
from torch import nn

from analyses.loading.chosen_networks import open_networks
from analyses.loading.pairs import labels_of_pairs
from analyses.logits.majority_vote import N_ORDERS
from analyses.logits.schema import FITS, FREQUENCIES, VOTES
from analyses.phases.schema import MEANS, NEURONS
from analyses.progress import schema as progress
from interp import (
    additive_maps,
    key_frequencies,
    misalignment,
    pair_grid,
    progress_losses,
    restricted_loss,
    vote_curve,
)
from interp.mechanism.flawed_indicator import indicator_fit
from interp.mechanism.majority_vote import group_votes
from training.inspection import load_hooked
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import pair_logits

EXACT = {"rtol": 1e-12, "atol": 1e-12}


class Plain(nn.Module):
    """A stranger's module of the planted weights."""

    def __init__(self, weights, t):
        super().__init__()
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.from_numpy(w[t].astype(float))) for name, w in weights.items()}
        )

    def pre(self, pairs):
        W = self.weights
        return (W["W_E"][pairs[:, 0]] + W["W_E"][pairs[:, 1]]) @ W["W_in"]

    def post(self, pairs):
        return self.pre(pairs).relu()

    def forward(self, pairs):
        return self.post(pairs) @ self.weights["W_out"] @ self.weights["W_U"]


@pytest.fixture(scope="module", params=[("dense", 8000), ("dense", 4000), ("grokked_ticket", 1000)], ids=str)
def known(request, tiny_run):
    """Return a network of the run, a row's key and its module."""
    arm, step = request.param
    (network,) = open_networks(str(tiny_run), [arm], [0]).finished
    return network, Plain(network.weights(), list(network.steps).index(step)), step


def rows_of(analysed, table, network, step):
    rows = analysed.table(table)
    return rows[(rows["arm"] == network.arm) & (rows["seed"] == 0) & (rows["step"] == step)]


def is_last(network, step):
    return step == network.steps[-1]


def output_map(module):
    return (module.weights["W_out"] @ module.weights["W_U"]).detach().numpy()


def test_progress_measures_are_those_of_the_command(analysed, known):
    network, module, step = known
    by_frequency = rows_of(analysed, progress.FREQUENCIES, network, step)
    final = by_frequency["frequency"].to_numpy()
    data = network.setting.task.build()
    examples = {"pairs": data.inputs, "labels": data.labels}
    got = progress_losses(
        module, final, network.p, **examples, is_train=np.arange(len(data.labels)) < data.n_train
    )
    (row,) = rows_of(analysed, progress.MEASURES, network, step).to_dict("records")
    for name in ("train_loss", "test_loss", "all_loss", "excluded"):
        np.testing.assert_allclose(getattr(got, name), row[name], **EXACT)
    for operator, loss in got.restricted.items():
        np.testing.assert_allclose(loss, row[f"restricted_{operator}"], **EXACT)
    np.testing.assert_allclose([got.fit.loss, got.fit.r2], [row["trig_loss"], row["trig_r2"]], **EXACT)
    np.testing.assert_allclose(got.excluded_by_frequency, by_frequency["excluded"], **EXACT)
    np.testing.assert_allclose(got.fit.amplitude, by_frequency["trig_amplitude"], **EXACT)


def test_key_frequencies_are_those_of_the_command(analysed, known):
    network, module, step = known
    saved = rows_of(analysed, progress.KEY_FREQUENCIES, network, step)
    arrays = {
        "embedding_norm": module.weights["W_E"].detach().numpy(),
        "logit_map": output_map(module),
        "neuron_cluster": pair_grid(module.post, network.p),
    }
    for rule, array in arrays.items():
        expected = saved.loc[saved["rule"] == rule, "frequency"]
        assert key_frequencies(array, rule).tolist() == expected.tolist()


def test_the_indicators_fit_and_votes_are_those_of_the_command(analysed, known):
    network, module, step = known
    labels = labels_of_pairs(network)
    (row,) = rows_of(analysed, FITS, network, step).to_dict("records")
    fit = indicator_fit(pair_grid(module, network.p), labels)
    np.testing.assert_allclose(
        [fit.main, fit.ghost, fit.r2], [row[n] for n in ("main", "ghost", "r2")], **EXACT
    )
    if not is_last(network, step):
        return
    post, generator = pair_grid(module.post, network.p), np.random.default_rng(0)
    curve = vote_curve(post, output_map(module), labels, generator, N_ORDERS)
    saved = rows_of(analysed, VOTES, network, step)
    assert curve.sizes.tolist() == saved["n_neurons"].tolist()
    for name in ("accuracy", "margin", "loss"):
        np.testing.assert_allclose(getattr(curve, name).mean(axis=0), saved[name], **EXACT)
    frequency = misalignment(additive_maps(module.pre, network.p).first, output_map(module)).frequency
    alone = group_votes(post, output_map(module), labels, frequency)
    np.testing.assert_allclose(alone.loss, rows_of(analysed, FREQUENCIES, network, step)["loss"], **EXACT)


def test_phases_are_those_of_the_command(analysed, known):
    network, module, step = known
    maps = additive_maps(module.pre, network.p)
    np.testing.assert_allclose(maps.share[maps.share == maps.share], 1, rtol=1e-12)
    np.testing.assert_allclose(maps.first, maps.second, **EXACT)
    got = misalignment(maps.first, output_map(module), second_map=maps.second)
    saved, means = (rows_of(analysed, table, network, step) for table in (NEURONS, MEANS))
    assert got.frequency.tolist() == saved["frequency"].tolist()
    for name in ("D", "input_phase", "output_phase", "input_amplitude", "output_amplitude"):
        np.testing.assert_allclose(getattr(got, name), saved[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.mean_cos, means["mean_cos"], **EXACT)


def test_a_hooked_network_is_a_function_of_pairs(tiny_run, known):
    network, module, step = known
    keys = key_frequencies(output_map(module), "logit_map")
    hooked = load_hooked(tiny_run, network.arm, 0, step)
    expected = restricted_loss(module, keys, p=network.p)
    assert restricted_loss(hooked, keys, p=network.p) == pytest.approx(expected, rel=1e-10)


def test_a_hooked_transformer_is_one_through_its_last_position():
    model, p = Transformer(d_model=6, d_head=5, d_mlp=9, equals=True), 7
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(scale=0.7, size=shape) for name, shape in model.shapes(p, p).items()}
    hooked = model.hooked_network({name: torch.from_numpy(w) for name, w in weights.items()})
    got = pair_grid(lambda pairs: pair_logits(hooked, torch.as_tensor(pairs)), p)
    np.testing.assert_allclose(got, model.pair_activations(weights).logits, atol=1e-12)


def test_a_module_in_single_precision_is_near(known):
    network, module, _ = known
    keys = key_frequencies(output_map(module), "logit_map")
    double = restricted_loss(module, keys, p=network.p)
    single = restricted_loss(module.float(), keys, p=network.p)
    module.double()
    assert single == pytest.approx(double, rel=1e-4)
