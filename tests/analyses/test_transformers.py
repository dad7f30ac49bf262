"""Analyses of transformers: maps, heads and masks."""

import numpy as np
import pandas as pd
import pytest
from builders import run_analysis, table_files

from analyses.loading.chosen_networks import open_networks
from figures.catalogue.registry import FIGURES
from figures.drawing.render import draw_picture
from interp.graphs.expander_spectrum import expander_properties
from interp.graphs.graph_measures import properties
from interp.mechanism.clock_pizza import gradient_symmetricity
from interp.mechanism.effective_weights import effective_maps
from interp.spectra.pair_spectrum import activation_frequency

P = 7
ATTENTION = ("blocks.0.attn.W_Q", "blocks.0.attn.W_O", "blocks.0.attn.W_K", "blocks.0.attn.W_V")
CHAIN = ("embed.W_E", "blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U")
WIDTHS = {"name": "transformer", "d_model": 12, "d_head": 5, "d_mlp": 9}
KINDS = {
    "minegishi": (WIDTHS, {"name": "add", "p": P}),
    "nanda": (
        WIDTHS | {"n_heads": 2, "equals": True, "positions": True, "biases": True},
        {"name": "sub", "p": P, "pairs": "ordered"},
    ),
    "products": (WIDTHS, {"name": "mul", "p": P}),
}
ANALYSES = (
    *("fourier", "phases", "mechanism", "norms", "masks", "snapshots", "progress", "graph_props"),
    *("patching", "steering"),
)


@pytest.fixture(scope="module", params=KINDS)
def run(request, trained_run):
    model, task = KINDS[request.param]
    content = {"name": request.param, "seeds": [0], "task": task, "model": model}
    content |= {"measure": {"checkpoints": [{"every": 20}]}, "pruning": {"require_generalised": False}}
    content["arms"] = {
        "dense": {"max_steps": 40},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 20},
    }
    return trained_run(content)


@pytest.fixture(scope="module")
def printed():
    """Return the printed text by analysis, filled by `out`."""
    return {}


@pytest.fixture(scope="module")
def out(run, tmp_path_factory, printed):
    """Return the folder that all analyses of the run have written to."""
    out = tmp_path_factory.mktemp("out")
    for name in ANALYSES:
        printed[name] = run_analysis(name, run.path, "--out", str(out))
        is_left_out = name == "phases" and run.path.name != "minegishi"
        assert printed[name].code == is_left_out, printed[name].err
    return out


def table(out, name):
    return pd.read_parquet(out / "analyses" / f"{name}.parquet")


def last_weights(run, arm="dense"):
    (network,) = open_networks(str(run.path), [arm]).finished
    return network.setting.model, {name: w[-1] for name, w in network.weights().items()}


DRAWN = {
    "minegishi": ["fourier", "maps", "patching", "attribution", "steering"],
    "nanda": ["spectra_mainline", "masks", "progress", "graph_layers", "matrices"],
    "products": ["progress"],
}
"""Figures with a panel or a line per matrix, head or map, and those of missing values."""


def test_figures_are_drawn(run, out, tmp_path):
    for name in DRAWN[run.path.name]:
        tables = table_files(out, FIGURES[name].tables)
        assert draw_picture(FIGURES[name], tables, tmp_path / name, preview=True)


def test_no_warnings_are_printed(run, out, printed):
    task, both = KINDS[run.path.name][1]["name"], "dense seed 0, grokked_ticket seed 0"
    no_addition = f"expected labels a + b mod p, got {task}"
    named = {
        "phases": f"error: {run.path}: no network that phases can read: {both}: {no_addition}",
        "mechanism": f"{both}: mean_cos, weighted_cos, mechanism_winners left out: {no_addition}",
        "progress": f"{both}: restricted_sum2, restricted_neuron_sum2, restricted_sum2_own, excluded, ",
    }
    without = {"add": [], "sub": ["phases", "mechanism"], "mul": list(named)}[task]
    for name, done in printed.items():
        assert max(map(len, done.out.splitlines()), default=0) <= 100, name
        notes = [line for line in done.err.splitlines() if not line.startswith("tables: ")]
        assert len(notes) == (name in without) and all(line.startswith(named[name]) for line in notes)


def test_quantities_of_addition_are_left_out_where_labels_are_no_sum(run, out):
    means, winners = table(out, "mechanism"), table(out, "mechanism_winners")
    adds = run.path.name == "minegishi"
    assert means[["mean_cos", "weighted_cos"]].notna().all().all() == adds == (len(winners) > 0)
    assert means["settled"].notna().all() and adds == (out / "analyses" / "phases.parquet").exists()


def test_the_last_position_alone_has_the_answer_after_attention(run, out):
    patches, (model, _) = table(out, "patching"), last_weights(run)
    n_positions = 2 + model.equals
    for site in ("stream", "output"):
        rows = patches[patches["site"] == site]
        is_last = rows["unit"] == n_positions - 1
        whole = np.where(is_last, rows["clean_difference"], rows["corrupted_difference"])
        np.testing.assert_array_equal(rows["patched_difference"], whole)
    assert set(patches.loc[patches["site"] == "head", "unit"]) == set(range(model.n_heads))
    assert set(patches.loc[patches["site"] == "input", "unit"]) == set(range(n_positions))
    around = table(out, "patching_attribution").query("component == 'around'")
    assert (around["right"] != 0).all()


def test_fourier_has_a_row_for_every_map(run, out):
    model, weights = last_weights(run)
    maps = effective_maps("transformer", weights)
    assert ("direct" in maps) != model.equals and len(maps) == 2 + (model.n_heads if model.equals else 1)
    assert set(table(out, "fourier")["map"]) == set(maps)
    spectra = table(out, "fourier_spectra")
    assert set(spectra["weight"]) == {"W_E", "W_U", *maps}
    assert spectra["frequency"].max() == 3


def test_phases_are_those_of_the_input_map(run, out):
    if run.path.name != "minegishi":
        pytest.skip("phases are those of addition")
    _, weights = last_weights(run)
    input_map = effective_maps("transformer", weights)["input"]
    neurons = table(out, "phases_neurons").query("arm == 'dense' and step == 40")
    spectrum = np.fft.rfft(input_map, axis=-1)[:, 1:]
    assert neurons["frequency"].tolist() == (np.abs(spectrum).argmax(axis=-1) + 1).tolist()
    at = spectrum[np.arange(9), neurons["frequency"] - 1]
    np.testing.assert_allclose(neurons["input_phase"], np.angle(at), atol=1e-6)


def test_progress_sees_heads_and_gradients(run, out):
    model, weights = last_weights(run)
    row = table(out, "progress").query("arm == 'dense' and step == 40").iloc[0]
    triples = np.random.default_rng(0).integers(P, size=(100, 3))
    expected, _ = gradient_symmetricity(*model.embedding_gradients(weights, triples))
    assert row["gradient_symmetricity"] == pytest.approx(expected) and abs(row["gradient_symmetricity"]) < 1
    heads = table(out, "progress_heads").query("arm == 'dense' and step == 40")
    frequency, share = activation_frequency(model.pair_activations(weights).attention)
    assert heads["frequency"].tolist() == frequency.tolist() and len(share) == model.n_heads
    np.testing.assert_allclose(heads["share"], share)
    assert row["attention_share"] == pytest.approx(share.mean())


def test_losses_agree_with_what_training_recorded(run, out):
    measured = table(out, "progress").query("arm == 'dense'").set_index("step")
    recorded = run.arm("dense", 0).metrics().set_index("step").loc[measured.index]
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(measured[name], recorded[name], rtol=1e-4)


def test_the_graph_is_the_chain_and_every_matrix_has_its_spectrum(run, out):
    mask, numbers_of_all = run.arm("grokked_ticket", 0).mask(), table(out, "graph_props")
    numbers = numbers_of_all.query("arm == 'grokked_ticket'").set_index(["where", "statistic"])["value"]
    chain = [mask[name][:P] if name == "embed.W_E" else mask[name] for name in CHAIN]
    for construction in ("layered", "folded"):
        for name, value in properties(chain, construction).items():
            assert numbers[construction, name] == pytest.approx(value, nan_ok=True)
    for name in ATTENTION:
        for head, is_kept in enumerate(mask[name]):
            where = name if len(mask[name]) == 1 else f"{name} head {head}"
            expected = expander_properties(is_kept)
            for statistic in ("density", "sigma_1", "ramanujan_gap_hoang"):
                assert numbers[where, statistic] == pytest.approx(expected[statistic], nan_ok=True)
    assert not any(".b_" in where for where in numbers_of_all["where"])
    assert numbers_of_all.query("where == 'layered'")["density_n"].max() == 2


def test_the_matrices_of_the_graph_are_printed(out, printed):
    text = printed["graph_props"].out
    assert ", ".join(CHAIN) in " ".join(text.split()) and "attention" in text


@pytest.mark.parametrize("name", ["logits", "lottery"])
def test_analyses_of_summed_inputs_refuse_a_transformer(name, run):
    done = run_analysis(name, run.path)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert ": expected a network that adds its two inputs, got a transformer" in line
