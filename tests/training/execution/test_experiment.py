"""Repeated starts on one run directory."""

import json
from hashlib import sha256

import pytest
from builders import changed_recipe, launch_here

import training.execution.sparsity_search
from training.cli.parser import Interrupted, run_command
from training.config.recipe_files import read_given_recipe
from training.execution.arms.jobs import Job
from training.execution.experiment import Experiment
from training.inspection.run import open_run
from training.runs.atomic_files import RunError, share, write_bytes
from training.runs.replaced_arms import discard_replaced, replaced_arms
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, config_hash, to_dict


@pytest.fixture
def trained():
    """Return the list of arms that `train` trained, in order."""
    TRAINED.clear()
    return TRAINED


TRAINED = []


def launch(queue, *arguments):
    """Train in this process, one arm at a time."""
    launch_here(queue, *arguments)
    for part in queue.submissions:
        done = {job: part.run.arm(job.arm, job.seed).done() or {} for job in part.todo}
        TRAINED.extend(str(job) for job in part.todo if "taken_from" not in done[job])


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
        "core_seconds",
    }


def test_another_config_is_refused_with_its_fields(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    other = changed(recipe, "optimizer.lr=0.02", "arms.dense.settle_steps=40")
    for start in (train, lambda *args: experiment(*args).plan()):
        with pytest.raises(RunError) as error:
            start(other, copied.path.parent)
        assert "(arms.dense.settle_steps: 50 → 40; optimizer.lr: 0.01 → 0.02)" in str(error.value)
        assert "dense seed 0, " in str(error.value) and "--force replaces them" in str(error.value)
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
    assert {row["seed"] for row in rows} == {0, 1}


def test_force_with_another_config_moves_the_old_arms_aside(copied, recipe, trained, files_of):
    before = {
        path.relative_to(copied.path / "arms"): path.read_bytes()
        for path in copied.path.glob("arms/*/seed_0/*")
        if path.name != ".lock"
    }
    other = changed(recipe, "optimizer.lr=0.02")
    train(other, copied.path.parent, force=True)
    assert len(trained) == 4 and copied.config() == to_dict(other)
    moved = {f"{network.arm}/seed_{network.seed}": network.path for network in replaced_arms(copied)}
    assert set(moved) == {f"{arm}/seed_0" for arm in other.arms}
    for path, content in before.items():
        arm, seed, name = path.parts
        assert (moved[f"{arm}/{seed}"] / name).read_bytes() == content


def test_a_forced_seed_does_not_touch_a_finished_one(copied, recipe, trained, files_of):
    before = files_of(copied.path)
    other = changed(recipe, "optimizer.lr=0.02", "seeds=[1]")
    with pytest.raises(RunError, match=r"dense seed 0, .*--force --seeds 0 1 replaces them"):
        train(other, copied.path.parent, force=True)
    assert trained == [] and files_of(copied.path) == before and replaced_arms(copied) == []


def test_force_takes_arms_and_its_plan_lists_what_moves(copied, recipe, trained, files_of, capsys):
    before = files_of(copied.path)
    rows = experiment(recipe, copied.path.parent).plan(force=["grokked_ticket"])
    assert {row["arm"]: row["todo"] for row in rows if row["todo"] != "keep"} == {"grokked_ticket": "train"}
    files = [path for path in copied.path.glob("arms/grokked_ticket/seed_0/*") if path.name != ".lock"]
    size = sum(path.stat().st_size for path in files)
    assert {row["arm"]: row["bytes_replaced"] for row in rows if row["bytes_replaced"]} == {
        "grokked_ticket": size
    }
    assert files_of(copied.path) == before
    train(recipe, copied.path.parent, force=["grokked_ticket"])
    assert trained == ["grokked_ticket seed 0"] and files_of(copied.path) == before
    assert [(n.arm, n.seed, n.size) for n in replaced_arms(copied)] == [("grokked_ticket", 0, size)]
    err = capsys.readouterr().err
    assert f"moved to {copied.path}/arms/.replaced/" in err
    assert "shuffled seed 0: stays, made from a network that is trained anew" in err
    assert [files.arm for files in copied.arms()] == ["dense", "grokked_ticket", "random", "shuffled"]
    assert len(open_run(copied)) == 4
    discard_replaced(copied)
    assert replaced_arms(copied) == [] and files_of(copied.path) == before


def test_adopted_weights_are_refused_by_name(copied, recipe, trained, files_of):
    for arm in ("dense", "random"):
        (copied.arm(arm, 0).path / "DONE").unlink()
    before = files_of(copied.path)
    for force in (False, True, ["shuffled"]):
        with pytest.raises(RunError, match=r"other code trained \(dense seed 0, random seed 0\), which no"):
            train(recipe, copied.path.parent, force=force)
    assert trained == [] and files_of(copied.path) == before


def inodes(run):
    """Return the inode and the time of change of every file of a run's arms."""
    return {
        file: (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in (run.path / "arms").rglob("*")
        if file.is_file() and file.name != ".lock"
    }


def test_an_arm_and_a_seed_are_added_and_old_files_untouched(copied, recipe, trained):
    before = inodes(copied)
    more = changed(recipe, "arms.again={method='random', sparsity=0.5, max_steps=20}", "seeds=[0, 3]")
    train(more, copied.path.parent)
    assert {"again seed 0", "again seed 3", "dense seed 3"} <= set(trained) and len(trained) == 6
    assert before.items() <= inodes(copied).items()
    assert copied.config() == to_dict(more)


def test_an_arm_that_the_recipe_no_longer_has_stays(copied, recipe, trained, capsys):
    before = inodes(copied)
    content = to_dict(recipe)
    content["arms"] = {"other": {"method": "random", "max_steps": 20}, "dense": content["arms"]["dense"]}
    train(changed_recipe(content), copied.path.parent)
    assert trained == ["other seed 0"] and before.items() <= inodes(copied).items()
    assert list(copied.config()["arms"]) == ["dense", "grokked_ticket", "random", "shuffled", "other"]
    assert "keeps grokked_ticket, random, shuffled, which this recipe does not" in capsys.readouterr().err
    assert len(open_run(copied)) == 5


def test_arms_that_stay_keep_their_settings_under_another_recipe(copied, recipe, trained):
    content = to_dict(recipe) | {"arms": {"other": {"method": "random", "max_steps": 20}}}
    other = changed_recipe(content, "optimizer.lr=0.02", "pruning.sparsity=0.3", "task.frac_train=0.8")
    train(other, copied.path.parent)
    assert trained == ["other seed 0"] and len(open_run(copied)) == 5
    assert copied.config()["optimizer"]["lr"] == 0.02
    assert copied.config()["arms"]["random"]["sparsity"] == 0.6
    assert copied.config()["arms"]["dense"]["optimizer"]["lr"] == 0.01
    trained.clear()
    train(recipe, copied.path.parent)  # each start's recipe decides what is common
    assert trained == [] and len(open_run(copied)) == 5
    for arm in ("other", "new"):
        content = to_dict(other) | {"arms": {arm: {"method": "random", "max_steps": 40}}}
        with pytest.raises(
            RunError, match=r"another config \(measure.eval_every: 10 → 20\): .*random seed 0"
        ):
            train(changed_recipe(content, "measure.eval_every=20"), copied.path.parent)


def test_an_arm_that_is_only_planned_may_change(copied, recipe, trained):
    more = changed(recipe, "arms.later={method='random', max_steps=20}")
    copied.write_recipe("", to_dict(more))
    other = changed(more, "arms.later.max_steps=40")
    train(other, copied.path.parent)
    assert trained == ["later seed 0"] and copied.config() == to_dict(other)


def train_given(path, out, *overrides):
    """Train what a path names, in its own folder if it is a run's; return the path of the run."""
    given = read_given_recipe(str(path), overrides)
    start = Experiment(
        given.recipe,
        given.text,
        out=str(out),
        launch=launch,
        folder=given.folder,
        bases=given.bases if given.text else None,
    )
    start.train("auto", workers=1)
    return start.run.path


def test_a_runs_folder_holds_its_resolved_recipe_and_the_users_text(tmp_path, trained, recipe_file):
    run = train_given(recipe_file, tmp_path / "runs", "pruning.sparsity=0.7")
    assert run == tmp_path / "runs" / "tiny" and len(trained) == 4
    trained.clear()
    for path in (run, run / "config.json", run / "recipe.toml"):
        assert read_given_recipe(str(path)).recipe.pruning.sparsity == 0.7
        assert train_given(path, tmp_path / "nowhere") == run
    renamed = run.rename(tmp_path / "runs" / "renamed")
    assert train_given(renamed, tmp_path / "nowhere") == renamed
    assert trained == [] and not (tmp_path / "nowhere").exists()
    assert (renamed / "recipe.given.toml").read_text() == recipe_file.read_text()
    assert train_given(renamed, tmp_path, "arms.more={method='random', max_steps=20}") == renamed
    assert trained == ["more seed 0"] and RunDir(renamed).config()["name"] == "renamed"
    assert read_given_recipe(str(renamed / "recipe.toml")).recipe.arms["more"].max_steps == 20


def test_a_run_is_repeated_elsewhere_from_its_folder(copied, trained, files_of, tmp_path):
    train(read_given_recipe(str(copied.path)).recipe, tmp_path / "elsewhere")
    repeated = RunDir(tmp_path / "elsewhere" / "tiny")
    assert len(trained) == 4 and files_of(repeated.path) == files_of(copied.path)
    assert repeated.config() == copied.config()


def test_a_base_that_changed_is_said_when_the_run_goes_on(tmp_path, trained, recipe_file, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text('base = "tiny.toml"\nbase_arms = ["random"]\n')
    run = train_given(mine, tmp_path / "runs")
    train_given(mine, tmp_path / "runs")
    assert "has changed" not in capsys.readouterr().err
    digest = sha256(recipe_file.read_bytes()).hexdigest()
    assert f'"tiny.toml" = "{digest}"' in (run / "recipe.toml").read_text()
    recipe_file.write_text(recipe_file.read_text() + "# more\n")
    train_given(mine, tmp_path / "runs")
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{run}: base tiny.toml has changed since this run was made from it (SHA-256 {digest[:12]}" in line
    train_given(run, tmp_path, "seeds=[0, 1]")  # the bases stay recorded
    assert f'"tiny.toml" = "{digest}"' in (run / "recipe.toml").read_text()


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
    replayed = "replay, then go on"  # its state does not say by which code
    assert todo == {"dense": "keep", "grokked_ticket": "keep", "random": "train", "shuffled": replayed}
    assert {row["todo"] for row in experiment(recipe, copied.path.parent).plan(force=True)} == {"train"}
    experiment(recipe, tmp_path / "nowhere").plan()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("config.json", lambda c: c["task"].update(p=9), "was made with another config (task.p: 9 → 7)"),
        ("config.json", lambda c: c.pop("arms"), "not a recipe that this version can read: arms: expected"),
        ("config.json", lambda c: c.update(seeds="all"), "this version can read: seeds: expected a list of"),
        ("config.json", lambda c: c.clear(), "not a recipe that this version can read: "),
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
    from training.execution.arms.jobs import jobs

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
    with pytest.raises(RunError, match=r"was made with another config \(arms.b.settle_steps: 1000 → 9\)"):
        train(changed(searching, "arms.b.settle_steps=9"), tmp_path)
