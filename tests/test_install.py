"""The wheel, installed and used without the checkout."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGES = ("interp", "training", "analyses", "figures")
NOT_PACKAGED = ("figures/gallery/", "analyses/reproduction/")
"""Folders of documents, which the wheel leaves out."""
TINY = """
name = "tiny"
seeds = [0]
[task]
name = "add"
p = 7
[model]
d_emb = 8
d_mlp = 6
[pruning]
require_generalised = false
[arms.dense]
max_steps = 20
[arms.ticket]
method = "magnitude"
source = "dense"
max_steps = 20
"""


def source_files():
    """Return the checkout's files that git has or would add."""
    listed = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


@dataclass(frozen=True)
class Installed:
    """A wheel, the folder it is installed to, and another folder to work in."""

    wheel: Path
    site: Path
    work: Path

    def python(self, *arguments):
        """Return what `python` printed in a folder without the checkout."""
        environment = os.environ | {"PYTHONPATH": str(self.site), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.work, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"  # a build in the checkout would also pack its old build folder
    for name in source_files():
        if name.startswith(PACKAGES) or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site, work = folder / "site", folder / "elsewhere"
    subprocess.run([*pip, "install", *offline, "--no-compile", "--target", str(site), str(wheel)], check=True)
    work.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)  # somebody else's repository
    (work / "tiny.toml").write_text(TINY)
    return Installed(wheel, site, work)


SUFFIXES = {".py", ".toml", ".json", ".mplstyle", ".css", ".html", ".js"}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(installed):
    expected = {
        name
        for name in source_files()
        if name.split("/")[0] in PACKAGES and not name.startswith(NOT_PACKAGED)
    }
    with zipfile.ZipFile(installed.wheel) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == expected
    assert {Path(name).suffix for name in packed} == SUFFIXES


def test_commands_and_recipes_work_from_another_folder(installed):
    where = "import training; print(training.__file__)"
    assert Path(installed.python("-c", where).strip()) == installed.site / "training/__init__.py"
    assert "modadd_ticket" in installed.python("-m", "training", "list")
    assert "grokked_ticket" in installed.python("-m", "training", "modadd_fast", "--dry-run")
    assert "fourier_neurons.parquet" in installed.python("-m", "analyses.fourier", "--explain")
    assert "periodicity" in installed.python("-m", "figures", "list")


def test_a_run_trained_and_measured_there_has_no_commit(installed):
    installed.python("-m", "training", "tiny.toml", "--jobs", "1")
    installed.python("-m", "analyses.grokking", "--run", "runs/tiny")
    run = installed.work / "runs/tiny"
    assert (run / "analyses/grokking.parquet").exists()
    assert (run / "figures/grokking.png").exists()
    provenance = json.loads((run / "provenance.json").read_text())
    assert [start["commit"] for start in provenance] == [None]


def test_the_version_has_one_place(installed):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for command in ("training", "analyses", "figures", "analyses.fourier"):
        assert installed.python("-m", command, "--version") == f"grokking-tickets {version}\n"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == version
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
