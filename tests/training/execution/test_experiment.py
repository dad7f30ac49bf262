"""Repeated starts on one run directory."""

import json

import pytest
from builders import changed_recipe, launch_here

import training.execution.sparsity_search
from training.cli.parser import Interrupted, run_command
from training.execution.experiment import Experiment
from training.execution.jobs import Job
from training.runs.atomic_files import RunError, share, write_bytes
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, config_hash, to_dict


@pytest.fixture
def trained():
    """Return the list of arms that `train` trained, in order."""
    TRAINED.clear()
    return TRAINED


TRAINED = []


def launch(recipe, run, todo, *arguments):
    """Train in this process, one arm at a time."""
    skipped = launch_here(recipe, run, todo, *arguments)
    TRAINED.extend(str(job) for job in todo if "taken_from" not in (run.arm(job.arm, job.seed).done() or {}))
    return skipped


def experiment(recipe, out, **options):
    return Experiment(recipe, "", out=str(out), launch=launch, **options)


def train(recipe, out, force=False, **options):
    return experiment(recipe, out, **options).train("auto", workers=1, force=force)


def changed(recipe, *settings):
    return changed_recipe(to_dict(recipe), *settings)


def test_a_finished_run_is_kept(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    rows = train(recipe, copied.path.parent)
    assert trained == [] and files_of(copied.path) == before
    assert {row["status"] for row in rows} == {"done"}
    assert copied.provenance() is None  # nothing was started


def test_only_missing_arms_are_trained(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    copied.arm("random", 0).clear()
    train(recipe, copied.path.parent)
    assert trained == ["random seed 0"] and files_of(copied.path) == before
    (entry,) = copied.provenance()
    assert entry["arms"] == ["random seed 0"] and entry["seeds"] == [0] and entry["device"] == "cpu"
    assert set(entry) == {
        *("id", "command", "cpu", "os", "blas", "started", "commit", "python", "versions", "machine"),
        *("device", "workers", "threads_per_worker", "seeds", "arms", "taken", "plugins", "seconds"),
    }


def test_another_config_is_refused_with_its_fields(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    other = changed(recipe, "optimizer.lr=0.02", "arms.dense.settle_steps=40")
    for start in (train, lambda *args: experiment(*args).plan()):
        with pytest.raises(RunError) as error:
            start(other, copied.path.parent)
        assert "(arms.dense.settle_steps: 50 → 40; optimizer.lr: 0.01 → 0.02)" in str(error.value)
        assert "--force replaces it" in str(error.value)
    assert trained == [] and files_of(copied.path) == before


def test_force_retrains_arms_with_equal_bytes(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    train(recipe, copied.path.parent, force=True)
    assert len(trained) == 4 and files_of(copied.path) == before


def test_force_keeps_other_seeds_of_the_run(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    train(changed(recipe, "seeds=[1]"), copied.path.parent)
    trained.clear()
    rows = train(changed(recipe, "seeds=[1]"), copied.path.parent, force=True)
    assert len(trained) == 4 and all("seed 1" in name for name in trained)
    assert before.items() <= files_of(copied.path).items()
    assert copied.config()["seeds"] == [0, 1]
    assert {row["seed"] for row in rows} == {1}


def test_force_with_another_config_deletes_the_old_run(copied, recipe, trained):
    copied.arm("old", 7).write_state({"step": 3})
    other = changed(recipe, "optimizer.lr=0.02", "seeds=[1]")
    train(other, copied.path.parent, force=True)
    assert copied.config() == to_dict(other)
    for files in copied.arms():
        assert bool(files.done() or files.skipped()) == (files.seed == 1)
        assert files.has_state() is False
    train(changed(recipe, "optimizer.lr=0.02"), copied.path.parent)  # the old seed 0 is not taken for this
    assert "dense seed 0" in trained


def test_other_seeds_join_the_run(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    rows = train(changed(recipe, "seeds=[2, 1]"), copied.path.parent)
    assert len(trained) == 8 and before.items() <= files_of(copied.path).items()
    assert copied.config()["seeds"] == [0, 1, 2]
    assert [row["seed"] for row in rows[:2]] == [2, 1]


def test_shards_split_the_seeds_and_add_up_to_the_run(recipe, tmp_path, trained, files_of):
    recipe = changed(recipe, "seeds=[0, 1, 2]")
    train(recipe, tmp_path / "unshared")
    trained.clear()
    train(recipe, tmp_path / "shared", shard=(2, 2))
    assert {name[-1] for name in trained} == {"1"}
    train(recipe, tmp_path / "shared", shard=(1, 2))
    assert files_of(tmp_path / "shared" / "tiny") == files_of(tmp_path / "unshared" / "tiny")
    assert RunDir(tmp_path / "shared" / "tiny").config() == to_dict(recipe)
    with pytest.raises(ConfigError, match="--shard: expected at most 3 shares, one per seed, got 4/4"):
        experiment(recipe, tmp_path, shard=(4, 4))


def test_a_state_left_behind_after_done_is_deleted(copied, recipe, trained):
    copied.arm("dense", 0).write_state({"step": 3})
    train(recipe, copied.path.parent)
    assert trained == [] and not copied.arm("dense", 0).has_state()


def test_a_skipped_arm_is_skipped_again_with_its_reason(recipe, tmp_path, trained):
    recipe = changed(recipe, "arms.dense.min_steps=0", "arms.dense.max_steps=20")
    first = train(recipe, tmp_path)
    trained.clear()
    again = train(recipe, tmp_path)
    assert trained == [] and again == first
    notes = {row["arm"]: row["note"] for row in again if row["status"] == "skipped"}
    assert list(notes) == ["grokked_ticket", "shuffled"]
    assert "has not generalised" in notes["grokked_ticket"] and "was not trained" in notes["shuffled"]


def test_the_plan_lists_every_arm_and_writes_nothing(copied, recipe, tmp_path, files_of):
    copied.arm("random", 0).clear()
    copied.arm("shuffled", 0).clear()
    copied.arm("shuffled", 0).write_state({"step": 10})
    todo = {row["arm"]: row["todo"] for row in experiment(recipe, copied.path.parent).plan()}
    assert todo == {"dense": "keep", "grokked_ticket": "keep", "random": "train", "shuffled": "go on"}
    assert {row["todo"] for row in experiment(recipe, copied.path.parent).plan(force=True)} == {"train"}
    experiment(recipe, tmp_path / "nowhere").plan()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("config.json", lambda c: c["task"].update(p=9), "was made with another config (task.p: 9 → 7)"),
        ("config.json", lambda c: c.pop("arms"), "was made with another config (arms: None → {"),
        ("config.json", lambda c: c.update(seeds="all"), "config.json: damaged: seeds are 'all'"),
        ("config.json", lambda c: c.clear(), "was made with another config ("),
        ("arms/dense/seed_0/DONE", lambda c: c.update(hash="0"), "another config (the hash alone)"),
        (
            "arms/dense/seed_0/DONE",
            lambda c: (c["config"]["arms"]["dense"]["task"].update(p=9), c.update(hash="0")),
            "dense/seed_0: trained with another config (arms.dense.task.p: 9 → 7); --force trains it anew",
        ),
        ("arms/dense/seed_0/DONE", lambda c: c.pop("steps"), "DONE: damaged: steps missing"),
    ],
)
def test_files_edited_by_hand_are_refused(copied, recipe, trained, capsys, file, edit, message):
    copied.arm("random", 0).clear()  # so that there is something to train
    content = json.loads((copied.path / file).read_text())
    edit(content)
    (copied.path / file).write_text(json.dumps(content))
    assert run_command(lambda: train(recipe, copied.path.parent) and 0) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert trained == []


def test_a_folder_that_is_no_run_is_refused(recipe, tmp_path, trained):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.tex").write_text("")
    for force in (False, True):
        with pytest.raises(RunError, match=r"tiny: holds files but no config.json, so no run"):
            train(recipe, tmp_path, force=force)
    (tmp_path / "a_file").write_text("")
    with pytest.raises(ConfigError, match=r"--out: expected a folder, and \S+a_file is a file"):
        experiment(recipe, tmp_path / "a_file")


def test_an_interrupted_forced_start_is_resumed_without_force(copied, recipe):
    def interrupted(*args):
        raise Interrupted

    experiment = Experiment(recipe, "", out=str(copied.path.parent), launch=interrupted)
    with pytest.raises(Interrupted, match="again without --force to resume"):
        experiment.train("cpu", workers=1, force=True)
    with pytest.raises(Interrupted, match="again to resume"):
        experiment.train("cpu", workers=1)


def test_a_changed_role_is_written_but_is_no_other_config(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    other = changed(recipe, "arms.shuffled.role=variant")
    train(other, copied.path.parent)
    assert trained == [] and files_of(copied.path) == before
    assert copied.config() == to_dict(other) and copied.config()["arms"]["shuffled"]["role"] == "variant"
    train(recipe, copied.path.parent)
    assert trained == [] and copied.config() == to_dict(recipe)


def test_an_empty_folder_may_become_a_run(recipe, tmp_path, trained):
    (tmp_path / "tiny").mkdir()
    train(recipe, tmp_path)
    assert len(trained) == 4


def test_an_arm_that_another_process_trains_is_not_deleted(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    with (
        copied.arm("dense", 0).locked(),
        pytest.raises(RunError, match="another process is training this arm"),
    ):
        train(recipe, copied.path.parent, force=True)
    assert files_of(copied.path) == before


def test_jobs_are_ordered_sources_first(recipe):
    from training.execution.jobs import jobs

    order = jobs(changed(recipe, "seeds=[0, 1]"), (0, 1))
    assert len(order) == 8
    for arm, source in [("grokked_ticket", "dense"), ("shuffled", "grokked_ticket")]:
        assert all(order.index(Job(source, s)) < order.index(Job(arm, s)) for s in (0, 1))


@pytest.mark.parametrize("name", ["config.json", "arms/dense/seed_0/DONE"])
def test_an_old_run_with_fewer_fields_is_still_current(copied, recipe, trained, name, files_of):
    """Later fields get their defaults, here min_per_layer and source_step."""
    content = json.loads((copied.path / name).read_text())
    config = content if name == "config.json" else content["config"]
    for arm in config["arms"].values():
        del arm["source_step"]
    if name == "config.json":
        del config["pruning"]["min_per_layer"]
    else:
        content["hash"] = config_hash(config)
    (copied.path / name).write_text(json.dumps(content))
    train(recipe, copied.path.parent)
    assert trained == []
    other = changed(recipe, "name=other")
    assert {row["todo"] for row in experiment(other, copied.path.parent).plan()} == {"take over"}


def test_the_wall_time_of_every_start_is_recorded(recipe, tmp_path, trained):
    train(recipe, tmp_path)
    train(changed(recipe, "seeds=[1]"), tmp_path)
    run = RunDir(tmp_path / "tiny")
    first, second = run.provenance()
    assert first["seconds"] > 0 and run.seconds() == first["seconds"] + second["seconds"]


# --- arms that another run has trained -------------------------------------------------------------------


def test_arms_that_another_run_has_finished_are_taken_over(copied, recipe, trained, files_of, capsys):
    other = changed(recipe, "name=other", "pruning.sparsity=0.5")
    (plan,) = [row for row in experiment(other, copied.path.parent).plan() if row["arm"] == "dense"]
    assert plan["todo"] == "take over"
    train(other, copied.path.parent)
    assert "dense seed 0" not in trained and "grokked_ticket seed 0" in trained
    run = RunDir(copied.path.parent / "other")
    for name in ("metrics.parquet", "checkpoints.safetensors"):
        taken, source = (r.arm("dense", 0).path / name for r in (run, copied))
        assert taken.samefile(source)
    done, there = run.arm("dense", 0).done(), copied.arm("dense", 0).done()
    (entry,) = run.provenance()
    came_from = {"run": "tiny", "start": there["start"]}
    assert done == there | {"start": entry["id"], "taken_from": came_from}
    assert entry["taken"] == {"dense seed 0": came_from | {"path": str(copied.path)}}
    assert "dense seed 0" not in entry["arms"]
    assert "dense seed 0: taken from" in capsys.readouterr().err


def test_force_takes_nothing_over(copied, recipe, trained):
    other = changed(recipe, "name=other", "pruning.sparsity=0.5")
    train(other, copied.path.parent, force=True)
    assert "dense seed 0" in trained


def test_a_shared_file_is_unchanged_when_the_other_run_is_retrained(tmp_path):
    source, path = tmp_path / "a" / "DONE", tmp_path / "b" / "DONE"
    write_bytes(source, b"old")
    for _ in range(2):
        share(source, path)
        assert path.read_bytes() == b"old" and [p.name for p in path.parent.iterdir()] == ["DONE"]
    write_bytes(source, b"new")
    assert path.read_bytes() == b"old"


def test_where_links_cannot_be_files_are_copied(tmp_path, monkeypatch):
    source, path = tmp_path / "a" / "DONE", tmp_path / "b" / "DONE"
    write_bytes(source, b"old")

    def no_links(self, target):
        raise OSError("no links here")

    monkeypatch.setattr(type(path), "hardlink_to", no_links)
    share(source, path)
    assert path.read_bytes() == b"old" and not path.samefile(source)


# --- searches --------------------------------------------------------------------------------------------


def test_a_search_adds_its_arms_to_the_run_and_resumes(recipe, tmp_path, trained, monkeypatch):
    searching = changed(
        recipe,
        "refine={like='a', resolution=0.1}",
        *("arms.a.method=random", "arms.a.sparsity=0.2", "arms.a.max_steps=10"),
        *("arms.b.method=random", "arms.b.sparsity=0.6", "arms.b.max_steps=10"),
    )
    monkeypatch.setattr(  # these arms are too short to generalise: say that those below .35 do
        training.execution.sparsity_search,
        "generalisation",
        lambda _, files: {"generalised": files.arm in ("a", "a_0.3")},
    )
    rows = train(searching, tmp_path)
    assert [row["arm"] for row in rows][-2:] == ["a_0.4", "a_0.3"]
    assert list(RunDir(tmp_path / "tiny").config()["arms"])[-2:] == ["a_0.4", "a_0.3"]
    trained.clear()
    again = train(searching, tmp_path)
    assert trained == [] and again == rows
    RunDir(tmp_path / "tiny").arm("a_0.4", 0).clear()
    train(searching, tmp_path)
    assert trained == ["a_0.4 seed 0"]
    with pytest.raises(RunError, match=r"was made with another config \(arms.b.max_steps: 10 → 20\)"):
        train(changed(searching, "arms.b.max_steps=20"), tmp_path)
