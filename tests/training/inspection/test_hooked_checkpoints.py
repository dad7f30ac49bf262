"""Networks of runs with hooks: every model and parametrization, their examples, their way back."""

import subprocess
import sys

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformer_lens import HookedRootModule, HookedTransformer

from training.adopt import adopt_weights
from training.config.build_recipe import recipe_from_dict
from training.inspection import hooked_checkpoints, load_hooked, open_run
from training.models.transformer.hooked_transformer import pair_logits
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError

ARMS = {
    "dense": {"max_steps": 40},
    "ticket": {"method": "magnitude", "source": "dense", "max_steps": 40},
    "tangent": {"form": "tangent", "max_steps": 40},
    "edge_popup": {"form": "edge_popup", "sparsity": 0.5, "max_steps": 40},
    "biprop": {"form": "biprop", "sparsity": 0.5, "max_steps": 40},
    "supermask": {"form": "supermask", "max_steps": 40},
}
TASK = {"p": 7, "pairs": "ordered", "frac_train": 0.6}
PARITY = {"name": "parity", "n_bits": 9, "n_train": 30, "n_test": 20}
MODELS = {
    "embed_mlp": {"d_emb": 9, "d_mlp": 8},
    "one_hot_mlp": {"d_mlp": 8, "activation": "square"},
    "embedded_mlp": {"d_mlp": 8, "d_emb": 5},
    "transformer": {"d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 8, "equals": True, "positions": True},
    "mlp": {"widths": [8, 6]},
}


@pytest.fixture(scope="module", params=MODELS)
def run(request, tmp_path_factory, train_all):
    """Return a run of a model with arms of all parametrizations, trained a few steps."""
    content = {
        "name": "hooked",
        "seeds": [0],
        "task": TASK if request.param != "mlp" else PARITY,
        "model": {"name": request.param} | MODELS[request.param],
        "optimizer": {"lr": 1e-2},
        "measure": {"checkpoints": [{"every": 20}]},
        "pruning": {"require_generalised": False},
        "arms": ARMS,
    }
    run, skipped = train_all(recipe_from_dict(content), tmp_path_factory.mktemp("runs") / request.param)
    assert skipped == []
    run.write_config(content)
    return open_run(run)


def outputs(network, of=None):
    """Return a network's outputs on its examples, or on those of another network."""
    of = of or network
    if isinstance(network, HookedTransformer):
        return pair_logits(network, of.pairs)
    inputs, weight = of.inputs, next(network.parameters())
    return network(inputs.to(weight.dtype) if inputs.is_floating_point() else inputs)


@pytest.mark.parametrize("arm", ARMS)
def test_outputs_equal_the_projects_forward_pass_in_float64(run, arm):
    network = run[arm, 0]
    data, forward = network.setting.task.build(), network.setting.model.implementation().forward
    stacked, steps = network.weights(), network.steps
    inputs = torch.as_tensor(data.inputs)
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    found = []
    for step, hooked in hooked_checkpoints(run.path, arm, 0):
        row = steps.tolist().index(step)
        weights = {name: torch.from_numpy(w[row]).double() for name, w in stacked.items()}
        assert isinstance(hooked, HookedRootModule)
        torch.testing.assert_close(outputs(hooked), forward(weights, inputs), rtol=0, atol=1e-10)
        again = load_hooked(run, arm, 0, step)
        assert torch.equal(outputs(again), outputs(hooked))
        found.append(step)
    assert found == steps.tolist() == [0, 20, 40]
    last = load_hooked(run, arm, 0)
    assert torch.equal(outputs(last), outputs(hooked))
    assert not torch.equal(outputs(last), outputs(load_hooked(run, arm, 0, 0)))
    single = load_hooked(run, arm, 0, dtype="float32")
    assert outputs(single).dtype == torch.float32


def test_examples_and_losses_are_those_of_the_recorded_metrics(run):
    network = load_hooked(run, "dense", 0)
    metrics = run["dense", 0].metrics
    result = network(network.inputs)
    assert len(network.train) + len(network.test) == len(network.inputs) == len(result)
    for part, indices in (("train", network.train), ("test", network.test)):
        recorded = metrics[f"{part}_loss"].iloc[-1]
        assert network.loss(result, part).item() == pytest.approx(recorded, rel=1e-4)
        alone = network(network.inputs[indices])
        assert network.loss(alone, part).item() == pytest.approx(recorded, rel=1e-4)
        right = outputs(network)[indices].argmax(1) == network.labels[indices]
        assert right.double().mean().item() == pytest.approx(metrics[f"{part}_acc"].iloc[-1])
    assert type(network.inputs[network.train]) is torch.Tensor
    everything = cross_entropy(outputs(network), network.labels)
    torch.testing.assert_close(network.loss(result, None), everything)
    assert network.eval() is network and not network.training
    assert network.train() is network and network.training
    with pytest.raises(ConfigError, match="part: expected train, test or None, got 'all'"):
        network.loss(result, "all")
    with pytest.raises(
        ConfigError, match=r"logits: expected \d+ rows, one per example, or \d+, those of test"
    ):
        network.loss(result[:3], "test")
    with pytest.raises(ConfigError, match="return_type"):
        network(network.inputs, return_type="loss")


@pytest.mark.parametrize("arm", ["ticket", "edge_popup"])
def test_a_masked_network_trains_with_its_pruned_weights_zero(run, arm):
    network = load_hooked(run, arm, 0)
    before = network.state_dict()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.3)
    for _ in range(2):
        optimizer.zero_grad()
        network.loss(network(network.inputs)).backward()
        optimizer.step()
    after = network.state_dict()
    for name, is_kept in run[arm, 0].mask.items():
        assert not after[name][~torch.from_numpy(is_kept)].any()
        assert not torch.equal(after[name], before[name])


def test_a_trained_state_goes_back_through_adopt(run, tmp_path):
    setting = run["ticket", 0].setting
    network = load_hooked(run, "ticket", 0, dtype="float32")
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1.5)
    p = getattr(setting.task, "p", None)
    settings = (
        {"task.pairs": "ordered"}
        if p
        else {f"task.{name}": value for name, value in PARITY.items() if name != "name"}
    )
    if activation := getattr(setting.model, "activation", None):
        settings["model.activation"] = activation
    adopted = adopt_weights(
        network.state_dict(),
        tmp_path / "back",
        model=setting.model.name,
        p=p,
        task=setting.task.name,
        overrides=settings,
        mask="zeros",
        steps=[7],
    )
    again = adopted["dense", 0].hooked(7)
    torch.testing.assert_close(outputs(again), outputs(network, again).double(), rtol=1e-4, atol=1e-4)
    for name, is_kept in run["ticket", 0].mask.items():
        assert (adopted["dense", 0].mask[name] == is_kept).all()


def test_no_global_generator_is_touched_and_the_file_is_read_once(run, monkeypatch):
    reads = []
    original = ArmDir._tensors

    def counted(self, file, only=(), row=None):
        if file == "checkpoints.safetensors" and list(only) != ["step"]:
            reads.append(row)
        return original(self, file, only, row)

    monkeypatch.setattr(ArmDir, "_tensors", counted)
    state = torch.get_rng_state()
    load_hooked(run, "ticket", 0, 20)
    assert reads == [1]
    assert [step for step, _ in hooked_checkpoints(run, "dense", 0)] == [0, 20, 40]
    assert reads == [1, None]
    assert torch.equal(torch.get_rng_state(), state)


def test_resampling_in_a_loop_over_checkpoints_is_random(run):
    in_loop = [torch.randperm(40).tolist() for _ in hooked_checkpoints(run, "dense", 0)]
    for step in (0, 20, 40):
        load_hooked(run, "dense", 0, step)
        in_loop.append(torch.randperm(40).tolist())
    assert len(set(map(tuple, in_loop))) == 6


def test_the_first_call_of_a_process_touches_no_generator(run):
    if run["dense", 0].setting.model.name not in ("embed_mlp", "transformer"):
        pytest.skip("one of each kind of module")
    code = f"""
import random
import numpy as np
import torch
import training
random.seed(5), np.random.seed(5), torch.manual_seed(5)
expected = random.random(), np.random.rand(), torch.rand(())
random.seed(5), np.random.seed(5), torch.manual_seed(5)
training.load_hooked({str(run.path)!r}, "ticket", 0)
assert (random.random(), np.random.rand(), torch.rand(())) == expected
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_network_of_unknown_split_says_so(copied):
    weights = {name: w[-1] for name, w in copied.arm("dense", 0).checkpoints().items()}
    adopted = adopt_weights(weights, copied.path.parent / "theirs", model="embed_mlp", p=7)
    network = load_hooked(adopted, "dense", 0)
    result = network(network.pairs)
    assert network.loss(result, None) == cross_entropy(result, network.labels)
    assert network.eval() is network
    for ask in (lambda: network.test, lambda: network.loss(result, "train")):
        with pytest.raises(RunError, match="expected a network whose training examples are known"):
            ask()


def test_a_mask_that_is_not_the_weights_is_refused(copied):
    mask = copied.arm("grokked_ticket", 0).mask()
    flipped = {name: ~is_kept for name, is_kept in mask.items()}
    copied.arm("grokked_ticket", 0).write_mask(flipped)
    with pytest.raises(RunError, match=r"mask\.safetensors: W_\w+: expected pruned weights of zero"):
        load_hooked(copied.path, "grokked_ticket", 0)


@pytest.mark.parametrize("dtype", ["float46", "int64", torch.int32])
def test_a_precision_that_is_none_is_refused(copied, dtype):
    with pytest.raises(ConfigError, match="dtype: expected a floating-point type of torch"):
        load_hooked(copied.path, "dense", 0, dtype=dtype)
