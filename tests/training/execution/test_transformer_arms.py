"""Methods, starts and forms as arms of a transformer with biases."""

import numpy as np
import pandas as pd
import pytest

import analyses.masks.command
import analyses.norms.command
from interp.masks.topk import density, keep_count
from training.config.build_recipe import recipe_from_dict
from training.execution.arms.jobs import Job
from training.execution.arms.sources.starting_point import starting_point
from training.models.transformer.architecture import Transformer
from training.models.weight_names import is_prunable, prunable
from training.pruning.registry import METHODS, STARTS
from training.schema.validation import ConfigError, to_dict

MODEL = {"name": "transformer", "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 12}
MODEL |= {"equals": True, "positions": True, "biases": True}
TICKET = {"method": "magnitude", "source": "dense"}
SOURCES = {"weights": {"source": "dense"}, "mask": {"source": "ticket"}, None: {}}
METHOD_ARMS = {name: {"method": name} | SOURCES[method.source] for name, method in METHODS.items()}
NORM_ARMS = {name: {"start": name, "source": "ticket"} for name, start in STARTS.items() if start.needs_mask}
START_ARMS = {f"from_{name}": TICKET | {"start": name} for name in STARTS if name not in NORM_ARMS}
SCORE_ARMS = {
    form: {"form": form, "model": {"biases": False}} for form in ("edge_popup", "biprop", "supermask")
}
TANGENT_ARMS = {"tangent": {"form": "tangent"}, "pruned_tangent": {"form": "tangent", "method": "snip"}}
ARMS = {
    "dense": {},
    "ticket": TICKET | {"scope": "layer"},
    **METHOD_ARMS,
    "elastic": METHOD_ARMS["elastic"]
    | {"layers": {name: name for name in Transformer(**MODEL).shapes(5, 5)}},
    **START_ARMS,
    **NORM_ARMS,
    **SCORE_ARMS,
    **TANGENT_ARMS,
    "late": {"method": "imp", "source": "ticket", "from_step": 20, "sparsity": 0.8},
}


def recipe_of(arms):
    content = {"name": "tiny", "seeds": [0], "task": {"p": 5, "pairs": "ordered", "frac_train": 0.7}}
    content |= {"model": MODEL, "optimizer": {"lr": 0.01}, "measure": {"checkpoints": [{"every": 20}]}}
    content["pruning"] = {"sparsity": 0.7, "require_generalised": False, "min_per_layer": 2}
    content["arms"] = {name: {"max_steps": 20} | arm for name, arm in arms.items()}
    return recipe_from_dict(content)


@pytest.fixture(scope="module")
def recipe():
    return recipe_of(ARMS)


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory, train_all):
    run, skipped = train_all(recipe, tmp_path_factory.mktemp("runs") / "tiny")
    assert skipped == []
    run.write_recipe("", to_dict(recipe))
    run.add_provenance({})
    return run


def counts(mask):
    return {name: int(is_kept.sum()) for name, is_kept in mask.items()}


@pytest.mark.parametrize("arm", ARMS)
def test_masks_have_exact_counts_and_no_mask_covers_biases(arm, recipe, run):
    settings, files, shapes = recipe.arms[arm], run.arm(arm, 0), recipe.setting(arm).shapes()
    weights, mask = files.checkpoints(), files.mask()
    assert files.steps().tolist() == [0, 20]
    assert np.isfinite(files.metrics()[["train_loss", "test_loss", "l2"]]).all(axis=None)
    for name in shapes.keys() - prunable(shapes).keys():
        assert weights[name][-1].any(), name
    assert (mask is None) == (not settings.prunes)
    if mask is None:
        return
    assert {name: is_kept.shape for name, is_kept in mask.items()} == prunable(shapes)
    for name, is_kept in mask.items():
        first, last = weights[name]
        assert not last[~is_kept].any() and (last != first).any()
        assert settings.trains_scores or not first[~is_kept].any()
    sizes, keeps = {name: is_kept.size for name, is_kept in mask.items()}, 1 - recipe.sparsity(arm)
    if settings.method != "none" and METHODS[settings.method].source == "mask":
        assert counts(mask) == counts(run.arm("ticket", 0).mask())
    elif arm in ("ticket", "edge_popup", "biprop"):  # by layer
        assert counts(mask) == {name: keep_count(size, keeps) for name, size in sizes.items()}
    elif arm != "supermask":
        assert sum(counts(mask).values()) == keep_count(sum(sizes.values()), keeps)


@pytest.mark.parametrize("q", [1, 2])
def test_norm_controls_use_the_norm_of_the_matrices(q, run):
    """At a later checkpoint biases are not zero, scaled, and not counted."""
    late = recipe_of(ARMS | {"late": NORM_ARMS[f"norm_l{q}"] | {"from_step": 20}})
    begun = starting_point(late, run, Job("late", 0))
    dense = {name: w[-1].astype(float) for name, w in run.arm("dense", 0).checkpoints().items()}
    mask = run.arm("ticket", 0).mask()
    masked_norm, full_norm = (
        np.linalg.norm(np.concatenate([part(name).ravel() for name in mask]), q)
        for part in (lambda name: dense[name] * mask[name], lambda name: dense[name])
    )
    assert begun.mask is None
    for name, w in begun.weights.items():
        np.testing.assert_allclose(w, masked_norm / full_norm * dense[name], rtol=1e-5)


def test_reshuffling_does_not_move_biases(run):
    late = recipe_of(ARMS | {"late": TICKET | {"start": "reshuffle", "from_step": 20}})
    begun = starting_point(late, run, Job("late", 0))
    for name, w in run.arm("dense", 0).checkpoints().items():
        assert (begun.weights[name] == w[-1]).all() == (not is_prunable(name))


def test_a_map_of_layers_is_required():
    with pytest.raises(ConfigError, match=r"arms.elastic.layers: expected a source for each of blocks\.0\."):
        recipe_of(ARMS | {"elastic": METHOD_ARMS["elastic"]})


def test_densities_of_matrices_are_printed_by_short_names(run, tmp_path, capsys):
    arms = ["--arms", "magnitude", "ticket"]
    assert (
        analyses.masks.command.main(
            ["--run", str(run.path), "--out", str(tmp_path), "--no-plot", "--verbose", *arms]
        )
        == 0
    )
    _, head, *rows = capsys.readouterr().out.splitlines()
    columns = ["global", "W_E", "W_pos", "W_Q", "W_O", "W_K", "W_V", "W_in", "W_out", "W_U"]
    assert head.replace("all weights", "global").split() == ["arm", "seeds", *columns]
    for arm, row in zip(("magnitude", "ticket"), rows, strict=False):
        by_matrix = density(run.arm(arm, 0).mask())
        expected = [
            by_matrix[name] for short in columns for name in by_matrix if name.rpartition(".")[2] == short
        ]
        assert row.split()[0] == arm
        assert [float(text) for text in row.split()[2:]] == pytest.approx(expected, abs=6e-4)


def test_norms_under_masks_sum_over_matrices_only(run, tmp_path):
    arguments = ["--run", str(run.path), "--out", str(tmp_path), "--no-plot", "--arms", "ticket"]
    assert analyses.norms.command.main(arguments) == 0
    table = pd.read_parquet(tmp_path / "analyses" / "norms.parquet").query("step == 20").set_index("layer")
    weights = {name: np.abs(w[-1]).sum(dtype=float) for name, w in run.arm("ticket", 0).checkpoints().items()}
    assert table.loc["global", "l1"] == pytest.approx(sum(weights.values()))
    assert table.loc["global", "kept_l1"] == pytest.approx(sum(prunable(weights).values()))
    assert table["kept_l1"].notna().sum() == len(prunable(weights)) + 1
