import os
import shutil
import zipfile

import pytest
from builders import run_analysis

from analyses import measure
from analyses.phases.schema import ANALYSIS as PHASES
from analyses.tables.inputs import RunInputs
from analyses.tables.origin import is_current
from training.__main__ import main
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.runs.handover.exporting import export_archive
from training.runs.handover.importing import import_archive, verified_run_or_archive
from training.runs.handover.manifest import MANIFEST
from training.schema.validation import ConfigError


def contents(folder):
    """Return the bytes of a run's files that are handed on, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.name not in (MANIFEST, "inputs.json")
    }


def identity(folder):
    """Return inode and time of change of a run's tables, by path."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*.parquet")}


def phases_are_current(run):
    """Return True if nothing of the phases has to be measured."""
    return is_current(run.files, RunInputs(run), "phases", PHASES.tables)


@pytest.mark.parametrize("name", ["tiny.tar", "tiny.tar.gz"])
def test_a_run_comes_back_as_it_was_and_nothing_is_measured_again(handed, tmp_path, name):
    manifest = export_archive(handed, tmp_path / name)
    assert manifest.omitted == {} and manifest.checkpoints == "all"
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as sent:  # and its times are lost
        sent.writestr(zipfile.ZipInfo(name), (tmp_path / name).read_bytes())
    shutil.unpack_archive(tmp_path / "sent.zip", tmp_path / "there")
    run = import_archive(tmp_path / "there" / name, tmp_path / "there" / "runs", "mine")
    assert contents(run.path) == contents(handed)
    assert not [path for path in run.path.rglob("*") if path.name.startswith(".") or path.suffix == ".tmp"]
    assert sorted(path.name for path in (tmp_path / "there" / "runs").iterdir()) == ["mine"]
    before = identity(run.path)
    assert phases_are_current(run)
    assert len(measure(run, "phases").table) > 0
    assert identity(run.path) == before
    assert verified_run_or_archive(run.path).notes == ()
    assert verified_run_or_archive(tmp_path / name).n_networks == 6


@pytest.mark.parametrize("name", ["tiny.tar", "tiny.tar.gz"])
def test_two_exports_have_equal_bytes(handed, archive, tmp_path, name):
    copy = shutil.copytree(handed, tmp_path / "elsewhere" / "tiny")
    for path in copy.rglob("*"):
        os.utime(path, (1e9, 1e9))
    export_archive(copy, tmp_path / name)
    export_archive(import_archive(archive, tmp_path / "runs").path, tmp_path / f"again_{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again_{name}").read_bytes()
    if name == "tiny.tar":
        assert (tmp_path / name).read_bytes() == archive.read_bytes()
    else:
        assert (tmp_path / name).stat().st_size < archive.stat().st_size


def test_the_last_checkpoints_go_along_and_tables_of_all_stay_current(handed, tmp_path):
    manifest = export_archive(handed, tmp_path / "tiny.tar", "last")
    assert len(manifest.omitted) == 6
    run = import_archive(tmp_path / "tiny.tar", tmp_path / "runs")
    assert [network.steps.tolist() for network in run][:2] == [[8000], [8000]]
    whole = open_run(handed)["dense", 0]
    assert (run["dense", 0].weights("W_in")[0] == whole.weights("W_in")[-1]).all()
    assert phases_are_current(run)
    assert verified_run_or_archive(run.path).notes == ()
    assert run_analysis("phases", run.path, "--out", str(tmp_path / "new")).code == 0
    again = export_archive(run.path, tmp_path / "again.tar", "last")
    assert again.omitted == {}  # it is whole: nothing more was left out
    path = run.path / "arms" / "dense" / "seed_0" / "checkpoints.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert run_analysis("phases", run.path).code == 1 and not phases_are_current(run)


def test_without_checkpoints_curves_and_tables_stay(handed, tmp_path):
    manifest = export_archive(handed, tmp_path / "tiny.tar", "none")
    path = "arms/dense/seed_0/checkpoints.safetensors"
    assert path in manifest.omitted and path not in manifest.files and len(manifest.omitted) == 6
    run = import_archive(tmp_path / "tiny.tar", tmp_path / "runs")
    assert phases_are_current(run)
    assert run_analysis("grokking", run.path).code == 0
    notes = verified_run_or_archive(run.path).notes
    assert f"{run.path / path}: left out, as chosen for the archive" in notes and len(notes) == 6
    done = run_analysis("phases", run.path)
    assert done.code == 1 and "checkpoints.safetensors: missing" in done.err


def test_what_is_no_part_of_a_run_is_named_and_stays(handed_copy, tmp_path):
    (handed_copy / "notes.md").write_text("mine")
    (handed_copy / "figures" / "a b.png").touch()
    (handed_copy / "arms" / "dense" / "seed_1" / "checkpoints.safetensors").unlink()
    with pytest.raises(RunError, match="missing"):
        export_archive(handed_copy, tmp_path / "tiny.tar")
    assert not (tmp_path / "tiny.tar").exists()
    shutil.rmtree(handed_copy / "arms" / "dense" / "seed_1")
    manifest = export_archive(handed_copy, tmp_path / "tiny.tar")
    assert list(manifest.omitted) == ["figures/a b.png", "notes.md"]


def test_a_network_in_training_is_not_exported(handed_copy, tmp_path):
    files = open_run(handed_copy).files.arm("random", 1)
    record = files.done()
    (files.path / "DONE").unlink()
    files.write_state({"step": 100, "hash": record["hash"]})
    with files.locked(), pytest.raises(RunError, match="another process is training this arm"):
        export_archive(handed_copy, tmp_path / "tiny.tar")
    export_archive(handed_copy, tmp_path / "tiny.tar", "none")  # a half-trained one keeps what it needs
    run = import_archive(tmp_path / "tiny.tar", tmp_path / "runs")
    assert run.files.arm("random", 1).state_step() == 100 and run.files.arm("random", 1).has_checkpoints()


def test_a_damaged_run_is_not_exported(handed_copy, tmp_path, capsys):
    path = handed_copy / "arms" / "random" / "seed_1" / "mask.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x02")
    assert main(["export", str(handed_copy), "--to", str(tmp_path / "x.tar")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {path}: damaged: ")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_nothing_is_imported_over_a_run(archive, tmp_path, capsys):
    run = import_archive(archive, tmp_path / "runs")
    before = {path: path.stat().st_ino for path in run.path.rglob("*")}
    assert main(["import", str(archive), "--out", str(tmp_path / "runs")]) == 2
    assert "--name: expected a folder that does not exist, and" in capsys.readouterr().err
    assert {path: path.stat().st_ino for path in run.path.rglob("*")} == before
    assert main(["import", str(archive), "--out", str(tmp_path / "runs"), "--name", "again"]) == 0
    assert "Run(" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("export RUN", "the following arguments are required: --to"),
        (
            "export RUN --to x.zip",
            "--to: expected a file's name that ends in .tar, .tar.gz, .tgz, got 'x.zip'",
        ),
        ("export RUN --to x.tar --checkpoints some", "argument --checkpoints: invalid choice: 'some'"),
        (
            "export RUN --to nowhere/x.tar",
            "--to: expected a file in a folder that exists, and nowhere does not",
        ),
        ("export RUN --to RUN.tar", "--to: expected a new file, and "),
        ("export nowhere --to x.tar", "expected a run directory, and nowhere does not exist"),
        ("export RUN --to x --step 3", "--seed and --step need --weights ARM"),
        ("export RUN --to x --weights dense", "--weights needs --seed, and takes no --checkpoints"),
        ("export RUN --to x --weights dens --seed 0", "--weights: expected one of the finished arms dense, "),
        ("export RUN --to x --weights dense --seed 5", "--seed: expected one of 0, 1, got 5"),
        (
            "export RUN --to x --weights dense --seed 0 --step 3",
            "--step: expected one with a checkpoint (0, ",
        ),
        (
            "import nowhere.tar",
            "archive: expected a file made by 'python -m training export', and nowhere.tar",
        ),
        ("import RUN", "archive: expected a file made by "),
        ("import RUN.tar --name a/b", "--name: expected a name of letters, digits"),
        ("verify nowhere", "expected a run directory, and nowhere does not exist"),
        ("merge RUN --to x", "the following arguments are required: RUN"),
        ("merge RUN RUN --to x", "RUN: expected two different runs, got "),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    handed, archive, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").symlink_to(handed)
    (tmp_path / "tiny.tar").symlink_to(archive)
    try:
        code = main(arguments.replace("RUN", "tiny").split())
    except SystemExit as stop:
        code = stop.code
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2 and line.startswith(f"error: {message}"), line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny", "tiny.tar"]


def test_errors_name_arguments_as_in_python(handed, tmp_path):
    import training

    with pytest.raises(ConfigError, match=r"^to: expected a file's name"):
        training.export_run(handed, tmp_path / "x.zip")
    with pytest.raises(ConfigError, match=r"^step: expected one with"):
        training.export_weights(handed, "dense", 0, 3, to=tmp_path / "x")
    assert training.verify_run(open_run(handed)).n_networks == 7  # a replaced one too
