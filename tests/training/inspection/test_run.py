import numpy as np
import pytest
from builders import skip_arm

from training import adopt_weights, open_run
from training.inspection.run import MissingNetworkError
from training.inspection.trained_network import NetworkMask
from training.runs.run_directory import NoRunError
from training.schema.validation import ConfigError


def test_one_network_by_arm_and_seed(tiny_run, planted):
    run = open_run(tiny_run)
    ticket = run["grokked_ticket", 1]
    assert (ticket.t_mem, ticket.t_gen) == (100, planted["t_gen"]["grokked_ticket"][1])
    assert ticket.steps.tolist() == planted["steps"]["grokked_ticket"]
    assert ticket.weights("W_E").shape == (4, planted["p"], 10)
    np.testing.assert_array_equal(ticket.weights()["W_E"], ticket.weights("W_E"))
    assert set(ticket.mask) == set(ticket.weights())
    assert ticket.mask.sparsity == pytest.approx(planted["sparsity"], abs=0.01)
    assert not ticket.weights("W_in")[:, ~ticket.mask["W_in"]].any()
    assert {"step", "test_acc"} <= set(ticket.metrics)


def test_a_censored_time_is_none_and_a_dense_network_has_no_mask(tiny_run):
    run = open_run(str(tiny_run))
    assert run["random", 0].t_gen is None and run["random", 0].t_mem == 100
    assert run["dense", 0].mask is None


def test_a_run_iterates_over_its_networks_and_describes_itself(tiny_run):
    run = open_run(tiny_run)
    assert [(n.arm, n.seed) for n in run] == [(arm, seed) for arm in run.recipe.arms for seed in (0, 1)]
    assert len(run) == len(run.networks) == len(run.outcomes) == 6
    assert run.outcomes["status"].eq("done").all()
    assert "grokked_ticket: seeds 0, 1" in repr(run) and "\n" not in repr(run["dense", 0])
    assert ("random", 1) in run._ipython_key_completions_()
    assert open_run(run) is run


@pytest.mark.parametrize("key", [("ticket", 0), ("dense", 7), "dense"])
def test_a_network_that_is_not_there_is_one_line(tiny_run, key):
    with pytest.raises(KeyError) as error:
        open_run(tiny_run)[key]
    assert isinstance(error.value, MissingNetworkError) and isinstance(error.value, ConfigError)
    line = str(error.value)
    assert "grokked_ticket" in line and "0, 1" in line and "\n" not in line


def test_a_skipped_network_names_its_reason(tiny_copy):
    skip_arm(tiny_copy, "random", "its source was not trained")
    run = open_run(tiny_copy)
    with pytest.raises(MissingNetworkError, match="random seed 0: not trained: its source was not trained"):
        run["random", 0]
    assert len(run) == 4 and "random: no finished network" in repr(run)


def test_a_weight_that_is_not_there_is_one_line(tiny_run):
    with pytest.raises(ConfigError, match=r"^name: expected one of the weights W_E, .*, got 'W_e'"):
        open_run(tiny_run)["dense", 0].weights("W_e")


def test_a_folder_without_a_run_is_one_line(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(NoRunError):
            open_run(path)


@pytest.mark.parametrize("density", [0.0, 0.25, 1.0])
def test_density_counts_all_weights_once(density):
    mask = NetworkMask(W_E=np.arange(8).reshape(2, 4) < 8 * density, W_in=np.arange(4) < 4 * density)
    assert mask.density == density == 1 - mask.sparsity


def test_arrays_are_adopted_as_a_run(tiny_run, tmp_path):
    dense = open_run(tiny_run)["dense", 0]
    stacked = dense.weights()
    by_step = {int(step): {name: w[t] for name, w in stacked.items()} for t, step in enumerate(dense.steps)}
    run = adopt_weights(by_step, tmp_path / "theirs", model="embed_mlp", p=dense.p)
    adopted = run["dense", 0]
    np.testing.assert_array_equal(adopted.steps, dense.steps)
    for name, w in adopted.weights().items():
        np.testing.assert_array_equal(w, stacked[name])
    assert run.outcomes[["arm", "seed", "status"]].to_numpy().tolist() == [["dense", 0, "adopted"]]
    last = adopt_weights(
        by_step[8000], run.path, model="embed_mlp", p=dense.p, arm="last", overrides={"task.p": dense.p}
    )
    assert last["last", 0].steps.tolist() == [0] and len(last) == 2
    with pytest.raises(ConfigError, match="as many steps"):
        adopt_weights([by_step[0]], tmp_path / "b", model="embed_mlp", p=dense.p, steps=[0, 1])
    with pytest.raises(ConfigError, match=r"^model: expected one of"):
        adopt_weights(by_step, tmp_path / "b", model="resnet")
