"""Runs handed on from Python: exported, imported, verified, merged."""

from __future__ import annotations

from pathlib import Path

from training.inspection.run import Run
from training.runs.handover.exporting import export_archive
from training.runs.handover.importing import import_archive, verified_run_or_archive
from training.runs.handover.manifest import Manifest
from training.runs.handover.merging import merged_run
from training.runs.handover.verified_run import Verification
from training.runs.handover.weights_folder import write_weights_folder
from training.runs.run_directory import RunDir
from training.schema.validation import named_as_in_python


@named_as_in_python()
def export_run(run: Run | RunDir | Path | str, to: Path | str, checkpoints: str = "all") -> Manifest:
    """Write a run as one archive, after verifying it.

    Two exports of a run have equal bytes. Locks, temporary files, caches and replaced networks stay behind.
    Tables and figures go along and stay current, as they know their inputs by content.

    Parameters
    ----------
    run : path, RunDir or Run
        A run, trained here or adopted.
    to : path
        New file, named .tar, or .tar.gz for a compressed one.
    checkpoints : {"all", "last", "none"}
        Checkpoints of each network that go along. Tables that were made of all of them stay current.

    Returns
    -------
    Manifest
        Files of the archive, and the reasons of what is left out.

    Raises
    ------
    ConfigError
        If `run` holds no run, or `to` exists or has another ending.
    RunError
        If a file of the run is damaged, or a network is being trained.

    Examples
    --------
    >>> import training
    >>> training.export_run("runs/modadd_fast", "modadd_fast.tar")  # doctest: +SKIP
    """
    return export_archive(_files(run), to, checkpoints)


@named_as_in_python()
def export_weights(
    run: Run | RunDir | Path | str, arm: str, seed: int, step: int | None = None, *, to: Path | str
) -> list[Path]:
    """Write the weights of one network for other code.

    The new folder holds `model.safetensors`, `config.json`, a card with the forward pass in NumPy, and the
    mask of a pruned network.

    Parameters
    ----------
    run : path, RunDir or Run
        A run, trained here or adopted.
    arm : str
        Arm of the network.
    seed : int
        Seed of the network.
    step : int, optional
        Its checkpoint; by default the last.
    to : path
        New folder.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ConfigError
        If the run has no such network or checkpoint, or the folder exists.
    RunError
        If the network's files are damaged.

    Examples
    --------
    >>> import training
    >>> training.export_weights("runs/modadd_fast", "dense", 0, to="dense_0")  # doctest: +SKIP
    """
    return write_weights_folder(run, arm, seed, step, to)


@named_as_in_python()
def import_run(archive: Path | str, out: Path | str = "runs", name: str | None = None) -> Run:
    """Unpack an exported run, verified before it is put in place.

    Parameters
    ----------
    archive : path
        File that `export_run` wrote.
    out : path
        Folder of the runs.
    name : str, optional
        Name of the run's folder; by default the one that it had.

    Returns
    -------
    Run
        The run; nothing of it needs to be measured again.

    Raises
    ------
    ConfigError
        If the folder exists, or `archive` is no file.
    RunError
        If the archive is damaged, or holds what no run has; every damaged file is named.

    Examples
    --------
    >>> import training
    >>> run = training.import_run("modadd_fast.tar", out="reviewed")  # doctest: +SKIP
    """
    return import_archive(archive, out, name)


@named_as_in_python()
def verify_run(run: Run | RunDir | Path | str) -> Verification:
    """Compare every file of a run, or of an archive, with every recorded hash.

    Of a network these are the hashes in DONE, of a table the one in its file, of an imported run and of an
    archive those of the manifest. Every file is read; no cache is trusted. Networks are also compared with
    their config: shapes, steps, and the mask against the weights' zeros.

    Parameters
    ----------
    run : path, RunDir or Run
        A run, or a file that `export_run` wrote, which is unpacked to a temporary folder.

    Returns
    -------
    Verification
        Numbers of what was compared, and notes on what could not be.

    Raises
    ------
    ConfigError
        If there is neither a run nor a file.
    RunErrors
        If something is damaged; a line for each file, which names it.

    Examples
    --------
    >>> import training
    >>> training.verify_run("runs/modadd_fast").n_networks  # doctest: +SKIP
    12
    """
    return verified_run_or_archive(_files(run))


@named_as_in_python()
def merge_runs(one: Run | RunDir | Path | str, other: Run | RunDir | Path | str, to: Path | str) -> Run:
    """Join two runs of like recipes into a new one.

    It has the arms and seeds of both, and the provenance of both. Both are verified first, and stay as they
    are; files are linked where the system can. Tables and figures are of one run alone and stay behind. A
    network that both have is taken once, if its bytes are equal.

    Parameters
    ----------
    one, other : path, RunDir or Run
        Two runs.
    to : path
        New folder.

    Returns
    -------
    Run
        The union.

    Raises
    ------
    ConfigError
        If `one` or `other` is no run, or `to` exists.
    RunError
        If an arm of both has different settings (the fields are named), a network of both has other bytes (it
        is named), a file is damaged, or a network is being trained.

    Examples
    --------
    >>> import training
    >>> run = training.merge_runs("runs/mine", "from_the_lab/mine", to="runs/both")  # doctest: +SKIP
    """
    return merged_run(_files(one), _files(other), to)


def _files(run: Run | RunDir | Path | str) -> Path | str:
    return run.path if isinstance(run, Run | RunDir) else run
