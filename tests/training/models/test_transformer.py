"""The transformer against TransformerLens, in float64."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import rearrange
from torch.nn.functional import cross_entropy

import training
from interp.masks.random_masks import random_mask
from training.config.build_recipe import recipe_from_dict
from training.models.implementation import normal_init
from training.models.kernels import batched_matmul
from training.models.kernels.batched_matmul import stacked_matmul
from training.models.kernels.row_sums import RowSums
from training.models.transformer import hooked_transformer as hooked_module
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import hooked_transformer, pair_logits
from training.models.transformer.network import flow, forward
from training.models.weight_names import fan_in, is_prunable, prunable
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.pruning.method import Subject
from training.pruning.registry import METHODS
from training.schema.validation import ConfigError, to_dict
from training.tasks.modular import ModularTask

P = 7
WIDTHS = {"d_model": 12, "d_mlp": 9}
VARIANTS = {
    "minegishi": Transformer(**WIDTHS, d_head=8),
    "nanda": Transformer(**WIDTHS, d_head=5, n_heads=3, equals=True, positions=True, biases=True),
    "nanda_without_biases": Transformer(**WIDTHS, d_head=5, n_heads=3, equals=True, positions=True),
    "equals_alone": Transformer(**WIDTHS, d_head=5, n_heads=2, equals=True, biases=True),
    "positions_alone": Transformer(**WIDTHS, d_head=5, n_heads=2, positions=True, biases=True),
    "published": Transformer(
        **WIDTHS,
        d_head=4,
        n_heads=3,
        equals=True,
        positions=True,
        biases=("b_in", "b_out"),
        equals_logit=True,
        init="nanda",
    ),
    "some_biases": Transformer(**WIDTHS, d_head=5, n_heads=2, equals=True, biases=("b_U", "b_V")),
    "half_attention": Transformer(
        **WIDTHS, d_head=5, n_heads=2, equals=True, positions=True, attention_rate=0.3
    ),
}
ALL_VARIANTS = pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS)
EXACT = {"rtol": 0, "atol": 1e-10}


def task(pairs="ordered"):
    return ModularTask(p=P, pairs=pairs, frac_train=0.6).build()


def weights_of(model, n_arms):
    """Return weights so large that attention is far from uniform."""
    draws = [torch.Generator().manual_seed(seed) for seed in range(n_arms)]
    shapes = model.shapes(P, P)
    return [
        {
            name: 0.5 * torch.randn(shape, generator=draw, dtype=torch.float64)
            for name, shape in shapes.items()
        }
        for draw in draws
    ]


def masks_of(model, kind, n_arms):
    if kind == "dense":
        return [None] * n_arms
    matrices = prunable(model.shapes(P, P))
    flat = {name: (int(np.prod(shape[:-1])), shape[-1]) for name, shape in matrices.items()}
    drawn = [random_mask(flat, 0.5, np.random.default_rng(seed)) for seed in range(n_arms)]
    shaped = [{name: m.reshape(matrices[name]) for name, m in mask.items()} for mask in drawn]
    return [None, *shaped[1:]] if kind == "mixed" else shaped


def masked(name, w, mask):
    """Return a weight or a gradient, zero where pruned."""
    return w * torch.from_numpy(mask[name]) if mask is not None and name in mask else w


def oracle(model, weights, mask):
    """Return the masked HookedTransformer and a function for its logits."""
    masked_weights = {name: masked(name, w, mask) for name, w in weights.items()}
    network = hooked_transformer(model, P, masked_weights)
    return network, lambda pairs: pair_logits(network, torch.as_tensor(pairs))


@ALL_VARIANTS
@pytest.mark.parametrize("kind", ["dense", "masked", "mixed"])
@pytest.mark.parametrize("n_arms", [1, 3])
def test_logits_and_gradients_equal_hooked_transformers(model, kind, n_arms):
    data, weights, masks = task(), weights_of(model, n_arms), masks_of(model, kind, n_arms)
    engine = Engine(model, AdamW(), data, weights, masks)
    engine.network.gradient(engine.weights, engine.grads)
    engine.parametrization.trained_gradients(engine.grads_rw)
    outputs = engine.network.outputs(engine.weights)
    for row in range(n_arms):
        network, logits_of = oracle(model, weights[row], masks[row])
        logits = logits_of(data.inputs)
        torch.testing.assert_close(outputs[row], logits.detach(), **EXACT)
        cross_entropy(logits[: data.n_train], torch.from_numpy(data.labels[: data.n_train])).backward()
        parameters = dict(network.named_parameters())
        for name in engine.weights:
            grad = masked(name, parameters[name].grad, masks[row])
            # A key's bias shifts all scores of a query alike, which a softmax does not see.
            assert (grad.abs().max() > 1e-4) == (not name.endswith("b_K"))
            torch.testing.assert_close(engine.grads[name][row], grad, **EXACT)


@ALL_VARIANTS
def test_plain_forward_and_its_gradient_equal_hooked_transformers(model):
    data, (weights,) = task("unordered"), weights_of(model, 1)
    network, logits_of = oracle(model, weights, None)
    leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
    plain_forward = model.implementation().forward
    outputs, logits = plain_forward(leaves, torch.from_numpy(data.inputs)), logits_of(data.inputs)
    torch.testing.assert_close(outputs, logits, **EXACT)
    outputs.square().sum().backward()
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        if name in leaves:
            torch.testing.assert_close(leaves[name].grad, parameter.grad, rtol=0, atol=1e-9)


def logits_pair_by_pair(weights, rate, pairs):
    """Return logits with attention rate · softmax + 1 − rate, pair by pair."""
    w = {name.rpartition(".")[2]: tensor for name, tensor in weights.items()}
    rows = []
    for pair in pairs.tolist():
        x = [w["W_E"][token] + w["W_pos"][place] for place, token in enumerate([*pair, P])]
        mid = x[-1]
        for W_Q, W_K, W_V, W_O in zip(w["W_Q"], w["W_K"], w["W_V"], w["W_O"], strict=True):
            scores = torch.stack([(x[-1] @ W_Q) @ (other @ W_K) for other in x]) / W_Q.shape[1] ** 0.5
            for share, other in zip(scores.exp() / scores.exp().sum(), x, strict=True):
                mid = mid + (rate * share + (1 - rate)) * (other @ W_V @ W_O)
        rows.append((mid + torch.relu(mid @ w["W_in"]) @ w["W_out"]) @ w["W_U"])
    return torch.stack(rows)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_attention_rate_mixes_softmax_with_ones(rate):
    model = Transformer(**vars(VARIANTS["half_attention"]) | {"attention_rate": rate})
    data, weights = task(), weights_of(model, 2)
    engine = Engine(model, AdamW(), data, weights, [None, None])
    engine.network.gradient(engine.weights, engine.grads)
    outputs, labels = engine.network.outputs(engine.weights), torch.from_numpy(data.labels)
    torch.testing.assert_close(outputs[1], logits_pair_by_pair(weights[1], rate, data.inputs), **EXACT)
    assert engine.grads["blocks.0.attn.W_Q"].any() == (rate > 0)
    n, step = data.n_train, 1e-5

    def loss(name, place, change):
        moved = {key: w.clone() for key, w in weights[1].items()}
        moved[name].view(-1)[place] += change
        return cross_entropy(logits_pair_by_pair(moved, rate, data.inputs[:n]), labels[:n])

    for name in weights[1]:
        difference = (loss(name, 7, step) - loss(name, 7, -step)) / (2 * step)
        assert engine.grads[name][1].view(-1)[7].item() == pytest.approx(difference.item(), abs=1e-7)


def test_synaptic_flow_counts_the_attentions_sum():
    model = VARIANTS["half_attention"]
    (weights,) = weights_of(model, 1)
    w = {name.rpartition(".")[2]: tensor.abs() for name, tensor in weights.items()}
    x = [w["W_E"].sum(0) + position for position in w["W_pos"]]
    attended = sum((0.3 / 3 + 0.7) * other for other in x)
    mid = x[-1] + sum(attended @ W_V @ W_O for W_V, W_O in zip(w["W_V"], w["W_O"], strict=True))
    expected = ((mid + mid @ w["W_in"] @ w["W_out"]) @ w["W_U"]).sum()
    flow_of = model.implementation().flow
    torch.testing.assert_close(flow_of({n: t.abs() for n, t in weights.items()}), expected)


def test_the_attention_rate_is_left_out_of_configs_at_its_default():
    assert "attention_rate" not in to_dict(Transformer())
    assert to_dict(Transformer(attention_rate=0.0))["attention_rate"] == 0
    for rate in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConfigError, match="attention_rate: expected a number from 0 to 1"):
            Transformer(attention_rate=rate)


def test_the_tangent_has_the_outputs_gradient_and_slope_of_the_network():
    model, data = VARIANTS["nanda"], task()
    (point,), (mask,) = weights_of(model, 1), masks_of(model, "masked", 1)
    tangent, network = (
        Engine(model, AdamW(), data, [point], [mask], parametrization=ParametrizationSettings(name=name))
        for name in ("tangent", "weights")
    )
    start = {name: w.clone() for name, w in network.weights.items()}
    value = network.network.outputs(start).clone()
    torch.testing.assert_close(tangent.network.outputs(start), value, **EXACT)
    for engine in (tangent, network):
        engine.network.gradient(engine.weights, engine.grads)
    torch.testing.assert_close(tangent.grads_rw, network.grads_rw, **EXACT)
    draw, step = torch.Generator().manual_seed(7), 1e-6
    way = {name: torch.randn(w.shape, generator=draw, dtype=w.dtype) for name, w in start.items()}

    def outputs(engine, length):
        return engine.network.outputs({name: w + length * way[name] for name, w in start.items()}).clone()

    slope = (outputs(network, step) - outputs(network, -step)) / (2 * step)
    torch.testing.assert_close(outputs(tangent, 1.0) - value, slope, rtol=0, atol=1e-6)


def test_forty_steps_equal_torch_adamw_on_the_hooked_transformer():
    model, data = VARIANTS["nanda"], task()
    (weights,), (mask,) = weights_of(model, 1), masks_of(model, "masked", 1)
    settings = {"lr": 0.01, "weight_decay": 0.7, "betas": (0.85, 0.95), "eps": 1e-7}
    engine = Engine(model, AdamW(**settings), data, [weights], [mask])
    engine.run(40)
    network, logits_of = oracle(model, weights, mask)
    adamw = torch.optim.AdamW([w for w in network.parameters() if w.requires_grad], **settings, foreach=False)
    for _ in range(40):
        adamw.zero_grad()
        cross_entropy(
            logits_of(data.inputs[: data.n_train]), torch.from_numpy(data.labels[: data.n_train])
        ).backward()
        for name, parameter in network.named_parameters():
            parameter.grad = masked(name, parameter.grad, mask)
        adamw.step()
    for name, parameter in network.named_parameters():
        # Adam makes steps of the learning rate out of the rounding that is a key bias' gradient.
        if not name.endswith("b_K"):
            torch.testing.assert_close(engine.weights[name][0], parameter.detach(), rtol=0, atol=1e-9)


def test_an_arm_does_not_depend_on_other_arms_and_repeats_byte_for_byte():
    model, data = VARIANTS["minegishi"], task()
    weights, masks = weights_of(model, 3), masks_of(model, "mixed", 3)

    def trained(rows, dtype):
        starts = [{name: w.to(dtype) for name, w in weights[row].items()} for row in rows]
        engine = Engine(model, AdamW(lr=0.01), data, starts, [masks[row] for row in rows])
        engine.run(30)
        return engine.weights_rw

    together, alone = trained([0, 1, 2], torch.float64), trained([2], torch.float64)
    torch.testing.assert_close(together[2], alone[0], **EXACT)
    assert torch.equal(trained([0, 1], torch.float32), trained([0, 1], torch.float32))


@ALL_VARIANTS
def test_names_and_shapes_equal_those_of_hooked_transformer(model):
    network = hooked_transformer(model, P)
    trained = {name: tuple(w.shape) for name, w in network.named_parameters() if w.requires_grad}
    assert list(trained.items()) == list(model.shapes(P, P).items())
    assert not any(w.any() for w in network.parameters() if not w.requires_grad)
    kinds = {name.rpartition(".")[2] for name in trained if is_prunable(name)}
    assert kinds == {"W_E", "W_Q", "W_K", "W_V", "W_O", "W_in", "W_out", "W_U"} | (
        {"W_pos"} if model.positions else set()
    )


@pytest.mark.parametrize("biases", [False, True])
def test_the_transformer_lens_start_equals_hooked_transformers(biases):
    model = Transformer(n_heads=4, d_head=32, d_mlp=512, equals=True, positions=True, biases=biases)
    model = Transformer(**{**vars(model), "init": "transformer_lens"})
    theirs = dict(hooked_transformer(model, 113, seed=5).named_parameters())
    for name, w in normal_init(model, model.shapes(113, 113), seed=5).items():
        assert torch.equal(w, theirs[name].detach())


def test_the_fan_in_start_has_the_deviation_of_its_number_of_terms():
    model = Transformer(n_heads=4, d_head=32, d_mlp=512, positions=True, biases=True, init_scale=2.0)
    terms = {"W_E": 113, "W_pos": 2, "W_Q": 128, "W_K": 128, "W_V": 128}
    terms |= {"W_O": 4 * 32, "W_in": 128, "W_out": 512, "W_U": 128}
    shapes = model.shapes(113, 113)
    for name, w in normal_init(model, shapes, seed=1).items():
        if is_prunable(name):
            n = terms[name.rpartition(".")[2]]
            assert fan_in(name, shapes[name]) == n
            assert w.std().item() == pytest.approx(2 / np.sqrt(n), rel=5 / np.sqrt(2 * w.numel()))
        else:
            assert not w.any()


def subject(model, **settings):
    data = task()
    initial, final = ({name: w.numpy() for name, w in drawn.items()} for drawn in weights_of(model, 2))
    pairs, labels = (torch.from_numpy(array[: data.n_train]) for array in (data.inputs, data.labels))
    given = {
        "initial": initial,
        "final": final,
        "source_mask": None,
        "density": 0.25,
        "scope": "layer",
        "min_per_layer": 1,
        "generator": np.random.default_rng(0),
        "outputs": lambda weights: forward(weights, pairs),
        "loss": lambda outputs: cross_entropy(outputs, labels),
        "flow": flow,
        "layers": None,
    }
    return Subject(**given | settings)


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.source != "mask"])
def test_masks_cover_all_weights_but_biases_with_exact_counts(method, scope):
    """Biases change no mask of a method that computes no outputs."""
    model = VARIANTS["nanda"]
    one = subject(model, scope=scope)
    mask = METHODS[method].prune(one)
    assert {name: is_kept.shape for name, is_kept in mask.items()} == prunable(model.shapes(P, P))
    matrices = list(mask.values())
    groups = matrices if scope == "layer" else [np.concatenate([is_kept.ravel() for is_kept in matrices])]
    assert all(is_kept.sum() == is_kept.size - int(0.75 * is_kept.size) for is_kept in groups)
    if method not in ("snip", "grasp", "synflow_minegishi"):
        no_biases = {
            key: {name: w * is_prunable(name) for name, w in getattr(one, key).items()}
            for key in ("initial", "final")
        }
        other = METHODS[method].prune(subject(model, scope=scope, **no_biases))
        assert all((other[name] == is_kept).all() for name, is_kept in mask.items())


@pytest.mark.parametrize("method", ["shuffled", "degree_preserving"])
def test_masks_of_a_source_have_its_counts_per_matrix(method):
    (source,) = masks_of(model := VARIANTS["nanda"], "masked", 1)
    mask = METHODS[method].prune(subject(model, source_mask=source))
    assert mask.keys() == source.keys()
    for name, is_kept in mask.items():
        assert is_kept.sum() == source[name].sum() and (is_kept != source[name]).any()
        if method == "degree_preserving" and is_kept.ndim == 3:  # of every head by itself
            assert (is_kept.sum(1) == source[name].sum(1)).all()
            assert (is_kept.sum(2) == source[name].sum(2)).all()


def test_a_recipe_trains_its_tickets_and_a_non_symmetric_task(content, tmp_path, train_all):
    content["task"] = {"name": "sub", "p": 5, "pairs": "ordered", "frac_train": 0.7}
    content["model"] = {"name": "transformer", "equals": True, "positions": True, "biases": True}
    content["model"] |= {"d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 16}
    content["pruning"] = {"require_generalised": False}
    ticket = {"method": "magnitude", "source": "dense", "max_steps": 30}
    content["arms"] = {"dense": {"max_steps": 150}, "ticket": ticket, "snip": ticket | {"method": "snip"}}
    del content["arms"]["snip"]["source"]
    run, skipped = train_all(recipe_from_dict(content), tmp_path / "tiny")
    assert not skipped
    assert run.arm("dense", 0).metrics()["train_acc"].iloc[-1] == 1
    for arm in ("ticket", "snip"):
        last = {name: w[-1] for name, w in run.arm(arm, 0).checkpoints().items()}
        n_zero = sum((last[name] == 0).sum() for name in last if is_prunable(name))
        assert n_zero == int(0.6 * sum(w.size for name, w in last.items() if is_prunable(name)))
        assert last["blocks.0.mlp.b_in"].any()


def test_scores_over_a_model_with_biases_are_refused(content):
    content["model"] = {"name": "transformer", "biases": True}
    content["arms"] = {"scores": {"form": "edge_popup"}}
    with pytest.raises(ConfigError, match=r"arms\.scores\.form: expected weights for a model with biases"):
        recipe_from_dict(content)


def test_a_task_with_other_classes_than_tokens_is_refused():
    with pytest.raises(ConfigError, match="task: expected a task of as many classes as tokens, 7"):
        Transformer().shapes(7, 5)


def test_transformer_lens_4_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(hooked_module, "version", lambda package: "4.0.1")
    with pytest.raises(ConfigError) as refusal:
        hooked_transformer(VARIANTS["minegishi"], P)
    expected = "transformer-lens: expected >=3.9,<4: version 4 removed HookedTransformer, got '4.0.1'"
    assert str(refusal.value) == expected


def test_transformer_lens_is_imported_lazily():
    root = Path(training.__file__).parents[1]
    files = [
        file for package in ("interp", "training", "analyses") for file in root.glob(f"{package}/**/*.py")
    ]
    importing = {file: imports_of(file, "transformer_lens") for file in files}
    importing = {file.name: imports for file, imports in importing.items() if imports}
    assert set(importing) == {"hooked_transformer.py", "modules.py"}
    assert all(importing["hooked_transformer.py"])  # none is at the top of the file
    readers = [imports_of(file, "training.models.hooked.modules") for file in files]
    assert sum(map(len, readers)) == 6 and all(late for reader in readers for late in reader)


def imports_of(file, package):
    """Return for each import of a package: True if it runs late.

    Such an import is inside a function, or for type checkers.
    """
    text = file.read_text()
    if package not in text:
        return []
    tree = ast.parse(text)
    inner = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef)
        or (isinstance(outer, ast.If) and "TYPE_CHECKING" in ast.unparse(outer.test))
        for node in ast.walk(outer)
    }
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    return [id(node) in inner for node in imports if package in ast.unparse(node).split()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("onednn", [True, False])
def test_stacked_matmul_equals_bmm_for_every_layout(monkeypatch, dtype, onednn):
    if onednn and batched_matmul._onednn is None:
        pytest.skip("this torch has no oneDNN operator for dense matrices")
    monkeypatch.setattr(batched_matmul, "_uses_onednn", lambda: onednn)  # whatever this machine's processor
    wide = torch.randn(2, 40, 30, dtype=dtype)
    layouts = [
        wide[..., :20],
        wide[:, :20].mT[..., :20].mT,
        wide[..., ::2][:, :20],
        wide[:, :20, :20].contiguous(),
    ]
    for a in layouts:
        for b in [wide[:, :20], wide.mT[:, :20], wide[..., :25][:, 20:], wide[:, :20, 10:].mT]:
            if a.shape[2] == b.shape[1]:
                torch.testing.assert_close(stacked_matmul(a, b), torch.bmm(a, b))


def test_row_sums_add_weighted_values_and_are_zero_without_values():
    row_of, value_of = torch.tensor([3, 0, 3, 1]), torch.tensor([0, 0, 1, 1])
    values, weights = torch.tensor([[1.0, 2.0], [10.0, 20.0]]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    row_sums = RowSums(torch.stack([row_of, 4 - row_of]), value_of, 5, 2)
    sums, other = row_sums.sums(values.repeat(2, 1), weights.repeat(2)).split(5)
    expected = [[2.0, 4.0], [40.0, 80.0], [0.0, 0.0], [31.0, 62.0], [0.0, 0.0]]
    assert sums.tolist() == expected and other.tolist() == expected[::-1]
    row_sums.replace(1, row_of)
    assert row_sums.sums(values.repeat(2, 1), weights.repeat(2)).tolist() == expected * 2
    table = rearrange(torch.arange(10.0), "(row width) -> row width", row=5)
    assert (sums * table).sum() == (weights[:, None] * table[row_of] * values[value_of]).sum()
