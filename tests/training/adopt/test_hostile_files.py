"""Files that are hostile or odd: one line, nothing run, nothing left behind."""

import functools
import importlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import drawn, out_before_in

from training.adopt import adopt_weights
from training.adopt.command import main
from training.adopt.written_arm import ArmContent, write_arm
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

P = 7
STATE = drawn({"W_E": (P, 21), "W_in": (21, 21), "W_out": (21, 21), "W_U": (21, P)})


def itself():
    content = {}
    content["state_dicts"] = content
    return content


def holding_itself():
    content = {"model": {}}
    content["model"]["W_E"] = content
    return content


def list_of_itself():
    content = []
    content.append(content)
    return content


W = torch.ones(21, 21)
HOSTILE = {
    "sparse": (lambda: STATE | {"W_in": W.to_sparse()}, "W_in: expected a dense tensor"),
    "sparse rows": (lambda: STATE | {"W_in": W.to_sparse_csr()}, "W_in: expected a dense tensor"),
    "quantised": (
        lambda: STATE | {"W_in": torch.quantize_per_tensor(W, 0.1, 0, torch.qint8)},
        "a quantised one",
    ),
    "meta": (lambda: STATE | {"W_in": torch.ones(21, 21, device="meta")}, "W_in: expected a dense tensor"),
    "nested": (
        lambda: STATE | {"W_in": torch.nested.nested_tensor([W, W])},
        "W_in: expected a dense tensor",
    ),
    "complex": (lambda: STATE | {"W_in": torch.complex(W, W)}, "W_in: expected floating-point numbers"),
    "conjugate": (
        lambda: STATE | {"W_in": torch.complex(W, W).conj()},
        "W_in: expected floating-point numbers",
    ),
    "expanded": (lambda: STATE | {"W_in": torch.ones(1).expand(10**7, 10**5)}, "repeat in memory"),
    "a step of 2^70": (lambda: {2**70: STATE}, "step: expected a whole number from 0 to"),
    "epochs of 2^70": (
        lambda: {"state_dicts": [STATE], "epochs": [2**70]},
        "step: expected a whole number from 0",
    ),
    "half an epoch": (lambda: {"state_dicts": [STATE], "epochs": [0.5]}, "expected whole numbers as steps"),
    "an infinite epoch": (lambda: {"model": STATE, "epoch": float("inf")}, "damaged"),
    "itself": (itself, "state_dicts: expected a tensor, got dict"),
    "holding itself": (holding_itself, "W_E: expected a tensor, got dict"),
    "a list of itself": (list_of_itself, "expected state dicts, tables of weights by name, got list"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, about sparse, nested and quantised tensors
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_odd_content_is_one_line_and_nothing_is_written(content, message, adopt, tmp_path, capsys):
    assert adopt({"w.pt": content()}) in (1, 2)
    err = capsys.readouterr().err
    assert message in err and err.startswith("error: ") and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_negated_view_is_adopted_by_its_values(tmp_path):
    state = STATE
    view = torch.complex(torch.zeros(21, 21), state["W_in"].float()).conj().imag
    assert view.is_neg()
    run = adopt_weights(state | {"W_in": view}, tmp_path / "run", model="embed_mlp", p=P)
    np.testing.assert_array_equal(run["dense", 0].weights("W_in")[0], -state["W_in"].float())


def test_arrays_that_are_no_numbers_are_refused(tmp_path):
    for w in (np.array([["a"]]), np.array([[object()]], dtype=object)):
        with pytest.raises(RunError, match="W_in: expected a dense tensor"):
            adopt_weights(STATE | {"W_in": w}, tmp_path / "run", model="embed_mlp", p=P)
    assert not (tmp_path / "run").exists()


def test_no_heads_are_refused(adopt, tmp_path, capsys):
    state = out_before_in(P)
    state |= {f"blocks.0.attn.W_{kind}": torch.ones(0, 5, 12) for kind in "QKV"}
    assert adopt({"w.pt": state}, model="transformer") == 1
    assert "expected one entry or more, got shape (0, 5, 12)" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--out", "--arm"])
def test_a_name_with_a_nul_is_refused(option, adopt, tmp_path, capsys):
    assert adopt({"w.pt": STATE}, option, f"{tmp_path}/a\0b" if option == "--out" else "a\0b") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1 and "\0" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pt"]


def test_a_failed_write_leaves_nothing_new_and_all_that_was(adopt, adopted, tmp_path, files_of, capsys):
    assert adopt({"w.pt": STATE}) == 0
    held = files_of(tmp_path / "run")
    (tmp_path / "run" / "arms" / "dense" / "seed_1").write_text("a file in the folder's place")
    assert adopt({"w.pt": STATE}, "--seed", 1) == 1
    (tmp_path / "run" / "arms" / "dense" / "seed_1").unlink()
    assert files_of(tmp_path / "run") == held
    (tmp_path / "file").write_text("")
    assert adopt({"w.pt": STATE}, "--out", tmp_path / "file" / "run") == 1
    assert "Traceback" not in capsys.readouterr().err


def gadgets(marker):
    """Return functions that a malicious pickle would call, with arguments that write a file."""
    write = f"open({str(marker)!r}, 'w').close()"
    return {
        "os.system": (os.system, (f"touch {marker}",)),
        "eval": (eval, (write,)),
        "exec": (exec, (write,)),
        "subprocess": (subprocess.Popen, (["touch", str(marker)],)),
        "open": (open, (str(marker), "w")),
        "partial": (functools.partial, (open, str(marker), "w")),
        "import": (importlib.import_module, ("antigravity",)),
        "getattr": (getattr, ("text", "upper")),
        "path": (Path.touch, (marker,)),
        "numpy": (np.save, (str(marker), np.zeros(1))),
        "torch": (torch.save, ({}, str(marker))),
        "config class": (MarkerConfig, (str(marker),)),
    }


class MarkerConfig:
    """Config whose construction writes a file."""

    def __init__(self, marker):
        Path(marker).touch()


class Reduced:
    """Object that a pickle restores by a call."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("gadget", gadgets("marker"))
def test_nothing_in_a_file_is_run(gadget, zipped, tmp_path, capsys):
    marker, path = tmp_path / "marker", tmp_path / "w.pt"
    content = {"model": STATE, "config": Reduced(gadgets(marker)[gadget])}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    code = main([str(path), "--model", "embed_mlp", "--p", str(P), "--out", str(tmp_path / "run")])
    assert not marker.exists()
    assert code == (0 if gadget == "config class" else 1)
    if code:
        assert "could run code and is not read" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_write_that_fails_half_way_is_taken_back(is_new, adopt, adopted, tmp_path, files_of):
    run = RunDir(tmp_path / "run")
    if not is_new:
        assert adopt({"w.pt": STATE}) == 0
    held = files_of(run.path) if run.path.exists() else None
    config = {"task": {}} if is_new else run.config()
    weights = {name: w.numpy()[None] for name, w in STATE.items()}
    metrics = {"step": np.zeros(3), "train_acc": np.zeros(2)}  # no table: written last, it fails
    content = ArmContent(np.zeros(1, int), weights, None, metrics)
    with pytest.raises(ValueError, match="length"):
        write_arm(run, run.arm("dense", 1), config, content, lambda: None)
    if is_new:
        assert not run.path.exists()
    else:
        locks = {name for name in files_of(run.path) if str(name).endswith(".lock")}
        assert {k: v for k, v in files_of(run.path).items() if k not in locks} == {
            k: v for k, v in held.items() if k not in locks
        }
