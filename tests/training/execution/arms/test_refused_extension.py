"""Extensions of finished arms that are refused, diverge, or lack checkpoints."""

import json

import pytest
import torch
from builders import arm_contents, changed_recipe, trained_run

from training.runs.atomic_files import RunError
from training.runs.reduced_checkpoints import with_last_checkpoint

SHORT, LONG = "arms.dense.max_steps=130", "arms.dense.max_steps=300"


@pytest.fixture
def finished(slow, tmp_path):
    slow["arms"].pop("grokked_ticket")
    return trained_run(changed_recipe(slow, SHORT), tmp_path), changed_recipe(slow, LONG)


def test_an_arm_of_another_platform_stays_finished(finished, tmp_path):
    run, longer = finished
    files = run.arm("dense", 0)
    done = files.done()
    files.rewrite_done({**done, "platform": done["platform"] | {"cpu": "AVX1024"}})
    before = arm_contents(run, "dense")
    with pytest.raises(RunError, match="another platform"):
        trained_run(longer, tmp_path)
    assert arm_contents(run, "dense") == before and files.done() is not None


@pytest.mark.parametrize("name", ["final_state.pt", "metrics.parquet", "checkpoints.safetensors"])
def test_a_file_that_is_not_the_recorded_one_leaves_the_arm_finished(finished, tmp_path, name):
    run, longer = finished
    files = run.arm("dense", 0)
    if name == "final_state.pt":
        state = files.final_state()
        torch.save(state | {"trained": [1.001 * w for w in state["trained"]]}, files.path / name)
    elif name == "metrics.parquet":
        files.write_metrics(
            {column: w.to_numpy() * (1 + (column == "test_loss")) for column, w in files.metrics().items()}
        )
    else:
        files.write_checkpoints(files.steps(), {key: 2 * w for key, w in files.checkpoints().items()})
    before = arm_contents(run, "dense")
    with pytest.raises(RunError, match=f"{name}: damaged: expected the content of SHA-256"):
        trained_run(longer, tmp_path)
    assert arm_contents(run, "dense") == before


def test_an_extension_that_diverges_moves_the_finished_arm_aside(finished, tmp_path):
    run, longer = finished
    files = run.arm("dense", 0)
    state = files.final_state()
    moments = {
        name: [1e30 * w.sign() for w in state[name]] for name in state if name not in ("step", "trained")
    }
    files.write_final_state(state | moments)
    files.rewrite_done(files.done() | {"files": files.file_hashes()})
    before = files.file_hashes()
    trained_run(longer, tmp_path)
    assert files.skipped()["reason"].startswith("diverged")
    (moved,) = run.path.glob("arms/.replaced/*/dense/seed_0")
    assert {path.name for path in moved.iterdir()} == {*before, "DONE"}
    assert json.loads((moved / "DONE").read_text())["files"] == before


def test_an_arm_of_which_an_archive_held_the_last_checkpoint_says_so_when_it_is_trained_on(
    finished, tmp_path
):
    run, longer = finished
    files = run.arm("dense", 0)
    for name, content in with_last_checkpoint(files).items():
        (files.path / name).write_bytes(content)
    reduced = files.done()["reduced"]
    trained_run(longer, tmp_path)
    assert files.done()["steps"] == 300 and files.done()["reduced"] == reduced
    assert files.steps().tolist() == [200, 300]
