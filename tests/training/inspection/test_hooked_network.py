"""A trained arm as a HookedTransformer with caches and hooks."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import rearrange

from training.config.build_recipe import recipe_from_dict
from training.inspection.hooked_network import load_hooked
from training.models.transformer import hooked_transformer as hooked_module
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import pair_logits
from training.models.transformer.network import forward
from training.runs.atomic_files import RunError
from training.runs.run_directory import NoRunError, RunDir
from training.schema.validation import ConfigError

P = 7
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train_all):
    """Return a dense transformer and its ticket, trained a few steps.

    Tests only read this run.
    """
    model = {"name": "transformer", "d_model": 12, "n_heads": 2, "d_head": 5, "d_mlp": 9}
    content = {
        "name": "hooked",
        "seeds": [0, 3],
        "task": {"p": P},
        "model": model | {"equals": True, "positions": True},
        "measure": {"checkpoints": [{"every": 20}]},
        "pruning": {"require_generalised": False},
        "arms": {
            "dense": {"max_steps": 50},
            "ticket": {"method": "magnitude", "source": "dense", "max_steps": 40},
        },
    }
    run, skipped = train_all(recipe_from_dict(content), tmp_path_factory.mktemp("runs") / "hooked")
    assert skipped == []
    run.write_config(content)
    return run


def weights_at(run, arm, seed, row):
    return {name: torch.from_numpy(w[row]) for name, w in run.arm(arm, seed).checkpoints().items()}


@pytest.mark.parametrize(("arm", "seed", "step", "row"), [("dense", 3, None, -1), ("ticket", 0, 20, 1)])
def test_logits_equal_the_forward_pass_of_the_checkpoint(trained, arm, seed, step, row):
    network = load_hooked(trained.path, arm, seed, step, torch.float32)
    expected = forward(weights_at(trained, arm, seed, row), PAIRS)
    torch.testing.assert_close(pair_logits(network, PAIRS), expected, rtol=0, atol=1e-5)
    other = forward(weights_at(trained, arm, seed, 0), PAIRS)
    assert (expected - other).abs().max() > 1e-2


def test_logits_agree_to_ten_digits_in_float64(tmp_path):
    shapes = Transformer(d_model=12, n_heads=3, d_head=4, d_mlp=9, positions=True, biases=True).shapes(P, P)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(scale=0.5, size=(2, *shape)) for name, shape in shapes.items()}
    RunDir(tmp_path).write_config({})
    RunDir(tmp_path).arm("dense", 0).write_checkpoints(np.array([0, 10]), weights)
    logits = pair_logits(load_hooked(RunDir(tmp_path), "dense", seed=0), PAIRS)
    expected = forward({name: torch.from_numpy(w[1]) for name, w in weights.items()}, PAIRS)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)


def test_caches_patterns_and_hooks_work(trained):
    network = load_hooked(trained.path, "dense", 0)
    tokens = torch.cat([PAIRS, torch.full((len(PAIRS), 1), P)], dim=1)
    logits, cache = network.run_with_cache(tokens)
    pattern = cache["blocks.0.attn.hook_pattern"]
    assert pattern.shape == (P * P, 2, 3, 3)
    torch.testing.assert_close(pattern.sum(-1), torch.ones(P * P, 2, 3, dtype=torch.double))
    W_U = network.W_U
    torch.testing.assert_close(cache["blocks.0.hook_resid_post"] @ W_U, logits, rtol=0, atol=1e-5)

    def silence(activation, hook):
        return torch.zeros_like(activation)

    without = network.run_with_hooks(tokens, fwd_hooks=[("blocks.0.mlp.hook_post", silence)])
    written = rearrange(cache["blocks.0.mlp.hook_post"], "n t m -> (n t) m") @ network.W_out[0] @ W_U
    torch.testing.assert_close(rearrange(logits - without, "n t c -> (n t) c"), written, rtol=0, atol=1e-5)


@pytest.mark.parametrize("equals", [True, False], ids=["n_mainline", "m_transformer"])
def test_the_documents_hooks_work_with_and_without_an_equals_token(equals, tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "analyzing.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "load_hooked(" in block]
    shapes = Transformer(d_model=12, n_heads=4, d_head=3, d_mlp=9, equals=equals, positions=equals).shapes(
        P, P
    )
    RunDir(tmp_path).write_config({})
    weights = {name: np.ones((1, *shape), np.float32) for name, shape in shapes.items()}
    RunDir(tmp_path).arm("dense", 0).write_checkpoints(np.array([0]), weights)
    place: dict = {}
    exec(code.replace("runs/n_mainline", str(tmp_path)), place)
    n_tokens = 3 if equals else 2
    assert place["pattern"].shape == (1, 4, n_tokens, n_tokens)


def test_pruned_weights_are_zero(trained):
    parameters = load_hooked(trained.path, "ticket", 0).state_dict()
    for name, is_kept in trained.arm("ticket", 0).mask().items():
        assert not parameters[name][~torch.from_numpy(is_kept)].any()
        assert parameters[name][torch.from_numpy(is_kept)].all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grokked_ticket", 0), "arm: expected one of dense, ticket, got 'grokked_ticket'"),
        (("dense", 1), "seed: expected one of 0, 3, got 1"),
        (("dense", 0, 30), "step: expected one with a checkpoint (0 to 50), got 30"),
    ],
)
def test_missing_networks_are_refused_in_one_line(trained, arguments, message):
    with pytest.raises(ConfigError) as refusal:
        load_hooked(trained, *arguments)
    assert str(refusal.value) == message


def test_weights_of_other_shapes_or_a_missing_run_are_refused(copied, tmp_path):
    weights = copied.arm("dense", 0).checkpoints()
    copied.arm("dense", 0).write_checkpoints(np.array([0]), {"W_E": weights["W_E"][:1]})
    with pytest.raises(RunError, match=r"expected the weights of the run's embed_mlp, .*, got W_E$"):
        load_hooked(copied.path, "dense", 0)
    with pytest.raises(NoRunError):
        load_hooked(tmp_path / "none", "dense", 0)


def test_transformer_lens_4_is_refused(trained, monkeypatch):
    monkeypatch.setattr(hooked_module, "version", lambda package: "4.0.1")
    with pytest.raises(ConfigError, match=r"transformer-lens: expected >=3\.9,<4: .* got '4\.0\.1'$"):
        load_hooked(trained, "dense", 0)
