"""Archives that are damaged, or that somebody made to do harm."""

import hashlib
import io
import json
import tarfile

import pytest

from training.__main__ import main
from training.runs.handover.exporting import export_archive


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
    """A rewritten manifest does not vouch for a network."""
    data = next(data for member, data in members_of(archive) if member.name.endswith(METRICS))[:-1] + b"?"
    change = lying(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    path = rewritten(archive, tmp_path / "bad.tar", of_metrics(lambda _: data), change)
    assert main(["import", str(path), "--out", str(tmp_path / "runs")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: {METRICS}: damaged: expected the content of SHA-256")
    assert not (tmp_path / "runs").exists()
