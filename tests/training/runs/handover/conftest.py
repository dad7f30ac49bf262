"""A run with tables, to hand on."""

import shutil

import pytest
from builders import run_analysis

from training.runs.handover.exporting import export_archive


@pytest.fixture(scope="session")
def handed(tiny_run, tmp_path_factory):
    """Return a run with tables, a lock and a replaced network; tests only read it."""
    path = shutil.copytree(tiny_run, tmp_path_factory.mktemp("handed") / "tiny")
    for name in ("grokking", "phases"):
        assert run_analysis(name, path).code == 0
    assert run_analysis("phases", path, "--steps", "0", "200").code == 0
    (path / "figures").mkdir()
    (path / "figures" / "phases.txt").write_text("A caption.\n")
    (path / "arms" / "dense" / "seed_0" / ".lock").touch()
    (path / "arms" / "dense" / "seed_0" / ".DONE.host.1.tmp").touch()
    replaced = path / "arms" / ".replaced" / "2026-01-01T00-00-00Z" / "random" / "seed_0"
    shutil.copytree(path / "arms" / "random" / "seed_0", replaced)
    return path


@pytest.fixture
def handed_copy(handed, tmp_path):
    """Return a copy of the run to damage."""
    return shutil.copytree(handed, tmp_path / "tiny")


@pytest.fixture(scope="session")
def archive(handed, tmp_path_factory):
    """Return the archive of the run; tests only read it."""
    path = tmp_path_factory.mktemp("archive") / "tiny.tar"
    export_archive(handed, path)
    return path
