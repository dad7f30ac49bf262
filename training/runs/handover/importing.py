"""Import of a run from an archive, and verification of runs and archives."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.inspection.run import Run, open_run
from training.runs.atomic_files import RunError, RunErrors, flush_folder
from training.runs.handover.archive_reading import archive_manifest, opened_archive, unpack
from training.runs.handover.verified_run import Verification, verified_run
from training.runs.run_directory import RunDir
from training.schema.validation import FILE_NAME, ConfigError, is_file_name, require


def import_archive(archive: Path | str, out: Path | str = "runs", name: str | None = None) -> Run:
    """Unpack an exported run, verified before it is put in place (`training.import_run`)."""
    path, folder = Path(archive), Path(out)
    require(name is None or is_file_name(name), "--name", FILE_NAME, name)
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out: expected a folder, and {out} is a file")
    with opened_archive(path) as opened:
        manifest = archive_manifest(path, opened)
        target = folder / (name or manifest.run)
        if target.exists():
            cure = "choose another --name or --out; 'merge' joins two runs"
            raise ConfigError(f"--name: expected a folder that does not exist, and {target} does; {cure}")
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=folder) as temporary:
                unpacked = Path(temporary) / manifest.run
                unpack(path, opened, manifest, unpacked)
                with _named_in(path, unpacked):
                    verified_run(RunDir(unpacked))
                unpacked.rename(target)
        finally:
            if is_new and not any(folder.iterdir()):
                folder.rmdir()
    flush_folder(folder)
    return open_run(target)


def verified_run_or_archive(path: Path | str) -> Verification:
    """Compare every file of a run, or of an archive, with its hashes (`training.verify_run`)."""
    if not Path(path).is_file():
        is_run = (Path(path) / "config.json").exists()  # a damaged one is named with all other damage
        return verified_run(RunDir(path) if is_run else RunDir.open(path))
    archive = Path(path)
    with opened_archive(archive) as opened, tempfile.TemporaryDirectory() as temporary:
        manifest = archive_manifest(archive, opened)
        unpacked = Path(temporary) / manifest.run
        unpack(archive, opened, manifest, unpacked)
        with _named_in(archive, unpacked):
            verification = verified_run(RunDir(unpacked))
    notes = tuple(_renamed(note, archive, unpacked) for note in verification.notes)
    return Verification(archive, verification.n_networks, verification.n_tables, verification.files, notes)


@contextmanager
def _named_in(archive: Path, folder: Path) -> Iterator[None]:
    """Name files in errors by their archive, not by the temporary folder."""
    try:
        yield
    except RunErrors as error:
        lines = [RunError(_renamed(str(refusal), archive, folder)) for refusal in error.refusals]
        raise RunErrors(lines) from None


def _renamed(text: str, archive: Path, folder: Path) -> str:
    return text.replace(f"{folder}/", f"{archive}: ").replace(str(folder), str(archive))
