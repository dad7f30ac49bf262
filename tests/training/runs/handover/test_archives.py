import io
import json
import os
import shutil
import tarfile
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


# --- archives that others made ------------------------------------------------------------------------


def members_of(archive):
    """Return the entries of an archive, each with its content."""
    with tarfile.open(archive) as opened:
        return [(member, opened.extractfile(member).read()) for member in opened.getmembers()]


def rewritten(archive, path, change, manifest=lambda content: None):
    """Write an archive anew, its entries and its manifest changed."""
    entries = members_of(archive)
    content = json.loads(entries[0][1])
    manifest(content)
    entries[0] = (entries[0][0], json.dumps(content).encode())
    with tarfile.open(path, "w") as opened:
        for member, data in change(entries):
            member.size = len(data) if member.isreg() else 0
            opened.addfile(member, io.BytesIO(data))
    return path


def entry(name, kind=tarfile.REGTYPE, link=""):
    """Return an entry of an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def more(name, kind=tarfile.REGTYPE, link=""):
    """Return a change that adds an entry."""
    return lambda entries: [*entries, (entry(name, kind, link), b"x" if kind == tarfile.REGTYPE else b"")]


METRICS = "arms/dense/seed_0/metrics.parquet"


def of_metrics(data):
    """Return a change of the content of some curves."""
    return lambda entries: [
        (member, data(content) if member.name.endswith(METRICS) else content) for member, content in entries
    ]


def without_metrics(entries):
    """Return the entries without some curves."""
    return [item for item in entries if not item[0].name.endswith(METRICS)]


def lying(**fields):
    """Return a change of the manifest's entry of some curves."""
    return lambda content: content["files"][METRICS].update(fields)


def same(entries):
    """Return the entries as they are."""
    return entries


BAD_ARCHIVES = {
    "climbs out": (more("tiny/../../evil"), None, "tiny/../../evil: expected a path below tiny/"),
    "absolute": (more("/tmp/evil"), None, "/tmp/evil: expected a path below tiny/"),
    "of a drive": (more("tiny/C:/evil"), None, "tiny/C:/evil: expected a path below tiny/"),
    "another folder": (more("other/config.json"), None, "other/config.json: expected a path below tiny/"),
    "hidden": (more("tiny/arms/.lock"), None, "tiny/arms/.lock: expected a path below tiny/"),
    "symbolic link": (
        more("tiny/arms/link", tarfile.SYMTYPE, "/etc/passwd"),
        None,
        "arms/link: expected a plain file, got a link",
    ),
    "hard link": (
        more("tiny/arms/link", tarfile.LNKTYPE, "tiny/config.json"),
        None,
        "arms/link: expected a plain file, got a link",
    ),
    "device": (
        more("tiny/arms/device", tarfile.CHRTYPE),
        None,
        "arms/device: expected a plain file, got a dev",
    ),
    "pipe": (
        more("tiny/arms/pipe", tarfile.FIFOTYPE),
        None,
        "arms/pipe: expected a plain file, got a device",
    ),
    "extra file": (more("tiny/arms/extra"), None, "arms/extra: expected the files of manifest.json, which"),
    "missing file": (without_metrics, None, f"{METRICS}: missing, and in manifest.json"),
    "twice": (more(f"tiny/{METRICS}"), None, f"{METRICS}: expected every file once, got it twice"),
    "other size": (of_metrics(lambda data: data + b"x"), None, f"{METRICS}: expected "),
    "other content": (
        of_metrics(lambda data: data[:-1] + b"?"),
        None,
        f"{METRICS}: damaged: expected the content of manifest.json, got another",
    ),
    "manifest with another hash": (same, lying(sha256="0" * 64), f"{METRICS}: damaged: expected the content"),
    "manifest with another size": (same, lying(size=7), f"{METRICS}: expected 7 bytes, as in manifest.json"),
    "manifest without a hash": (
        same,
        lying(sha256="x"),
        f"manifest.json: files.{METRICS}.sha256: expected 64",
    ),
    "manifest of a later version": (
        same,
        lambda content: content.update(format=2),
        "manifest.json: format: expected 1, which this version reads, got 2",
    ),
    "manifest that climbs out": (
        same,
        lambda content: content["files"].update({"../x": content["files"][METRICS]}),
        "manifest.json: files: expected paths of a run's files, got '../x'",
    ),
    "manifest of another run": (
        same,
        lambda content: content.update(run=".."),
        "manifest.json: run: expected",
    ),
    "no manifest first": (
        lambda entries: entries[1:],
        None,
        "expected manifest.json as its first file, got 'tiny/analyses/grokking.csv'",
    ),
    "nothing": (lambda entries: [], None, "expected manifest.json as its first file, got 'nothing'"),
}


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_a_bad_archive_is_one_line_and_leaves_nothing(archive, tmp_path, capsys, kind):
    change, manifest, message = BAD_ARCHIVES[kind]
    path = rewritten(archive, tmp_path / "bad.tar", change, manifest or (lambda content: None))
    assert main(["import", str(path), "--out", str(tmp_path / "runs")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: {message}"), line
    assert [file.name for file in tmp_path.iterdir()] == ["bad.tar"]
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("cut", [0, 100, 5_000, 20_000])
@pytest.mark.parametrize("name", ["tiny.tar", "tiny.tar.gz"])
def test_a_cut_archive_and_another_file_are_refused(handed, tmp_path, capsys, cut, name):
    path = tmp_path / name
    export_archive(handed, path)
    path.write_bytes(path.read_bytes()[:cut])
    for verb in (["import", "--out", str(tmp_path / "runs")], ["verify"]):
        assert main([verb[0], str(path), *verb[1:]]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {path}: ")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_content_that_contradicts_its_record_is_refused_though_the_manifest_has_it(archive, tmp_path, capsys):
    """A manifest that was written again after a change does not vouch for a network."""
    import hashlib

    data = next(data for member, data in members_of(archive) if member.name.endswith(METRICS))[:-1] + b"?"
    change = lying(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    path = rewritten(archive, tmp_path / "bad.tar", of_metrics(lambda _: data), change)
    assert main(["import", str(path), "--out", str(tmp_path / "runs")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: {METRICS}: damaged: expected the content of SHA-256")
    assert not (tmp_path / "runs").exists()


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
