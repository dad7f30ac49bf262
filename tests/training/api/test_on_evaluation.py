"""A function that `train` calls at every evaluation."""

from collections import Counter

import numpy as np
import pytest

from training import train
from training.schema.validation import ConfigError


def test_the_function_gets_every_evaluation_and_changes_nothing(recipe, finished, files_of, tmp_path):
    seen = {}

    def note(network):
        seen[network.arm, network.seed, network.step] = network
        for w in network.weights.values():
            w.fill(7.0)  # its own copy

    run = train(recipe, out=tmp_path, on_evaluation=note)
    assert files_of(run.path) == files_of(finished.path)
    counts = Counter(arm for arm, _, _ in seen)
    for arm in recipe.arms:
        metrics = finished.arm(arm, 0).metrics().set_index("step")
        assert counts[arm] == len(metrics)
        for step, row in metrics.iterrows():
            assert dict(seen[arm, 0, step].metrics) == pytest.approx(row.to_dict(), rel=0, nan_ok=True)
    assert seen["dense", 0, 0].mask is None
    np.testing.assert_array_equal(seen["random", 0, 10].mask["W_E"], finished.arm("random", 0).mask()["W_E"])


def test_the_weights_are_those_of_the_checkpoints(recipe, finished, tmp_path):
    seen = {}
    train(recipe, out=tmp_path, on_evaluation=lambda n: seen.setdefault((n.arm, n.step), n.weights))
    for arm in recipe.arms:
        files = finished.arm(arm, 0)
        for row, step in enumerate(files.steps().tolist()):
            for name, stacked in files.checkpoints().items():
                assert seen[arm, step][name].tobytes() == stacked[row].tobytes()


@pytest.mark.parametrize("step", [0, 70])
def test_what_the_function_raises_stops_the_training_with_saved_states(
    recipe, finished, files_of, tmp_path, step
):
    class Enough(Exception):
        pass

    seen = []

    def stop(network):
        seen.append(network.step)
        if network.step == step:
            raise Enough(f"at {step}")

    with pytest.raises(Enough, match=f"at {step}"):
        train(recipe, out=tmp_path, on_evaluation=stop)
    assert seen == list(range(0, step + 1, 10))
    later = []
    run = train(recipe, out=tmp_path, on_evaluation=lambda network: later.append((network.arm, network.step)))
    assert files_of(run.path) == files_of(finished.path)
    first = [at for arm, at in later if arm == "dense"]
    assert first[0] == step + 10 and first == sorted({*first})


def test_an_error_at_the_last_evaluation_is_raised_too(recipe, tmp_path):
    last = recipe.arms["random"].max_steps

    def stop(network):
        if (network.arm, network.step) == ("random", last):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(recipe, out=tmp_path, on_evaluation=stop)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 2}, "jobs: expected 1 or none with on_evaluation"),
        ({"executor": "slurm"}, "executor: expected local with on_evaluation"),
    ],
)
def test_the_function_is_called_in_this_process_alone(recipe, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        train(recipe, out=tmp_path, **({"on_evaluation": print} | options))
    assert not list(tmp_path.iterdir())
