"""Archives of runs, unpacked and compared with their manifest.

Nothing of an archive is believed: paths stay below the folder, links, devices and other special entries are
refused, and so is every file that the manifest does not have, with another size or another content.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.inspection.resource_estimate import bytes_text
from training.runs.atomic_files import RunError, RunErrors, flush_folder
from training.runs.handover.manifest import MANIFEST, Manifest, is_path_in_run, manifest_from_bytes
from training.schema.plain_content import one_line, shortened, shown
from training.schema.validation import ConfigError

LARGEST_MANIFEST = 2**28
"""Bytes of a manifest at most; that of a million files is smaller."""
AGAIN = "ask for it again"
CHUNK = 2**20


@contextmanager
def opened_archive(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive for reading in order; its damage is a `RunError`."""
    if not path.is_file():
        raise ConfigError(f"archive: expected a file made by 'python -m training export', and {path} is none")
    try:
        with tarfile.open(path, mode="r:*") as archive:
            yield archive
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise RunError(f"{path}: damaged, or no archive: {error}; {AGAIN}") from None
    except OSError as error:
        if error.errno is None:  # of gzip: a wrong checksum
            raise RunError(f"{path}: damaged: {error}; {AGAIN}") from None
        raise


def archive_manifest(path: Path, archive: tarfile.TarFile) -> Manifest:
    """Return the manifest, the first file of an archive.

    Raises
    ------
    RunError
        If the first file is another one, or no manifest.
    """
    member = archive.next()
    name = "nothing" if member is None else member.name
    is_manifest = member is not None and member.isreg() and name.partition("/")[2] == MANIFEST
    if member is None or not is_manifest or member.size > LARGEST_MANIFEST:
        raise RunError(f"{path}: expected {MANIFEST} as its first file, got {shown(name)}; {AGAIN}")
    content = archive.extractfile(member)
    assert content is not None, "it is a file"
    manifest = manifest_from_bytes(content.read(), str(path))
    if name != f"{manifest.run}/{MANIFEST}":
        raise RunError(f"{path}: {shown(name)}: expected the manifest of {manifest.run}; {AGAIN}")
    return manifest


def unpack(path: Path, archive: tarfile.TarFile, manifest: Manifest, folder: Path) -> None:
    """Write the files of an archive to a new folder, compared with the manifest.

    Raises
    ------
    RunErrors
        If a file has another content than the manifest says, or is missing; a line for each.
    RunError
        At the first entry that is no file of the manifest, and if the disk is too small.
    """
    folder.mkdir(parents=True)
    free = shutil.disk_usage(folder).free
    if manifest.size > free:
        needed = f"{bytes_text(manifest.size)} are needed and {bytes_text(free)} free"
        raise RunError(f"{folder}: the disk is too small: {needed}; choose a folder on another disk")
    refusals: list[RunError] = []
    seen: set[str] = set()
    while (member := archive.next()) is not None:
        name = _checked_name(path, member, manifest, seen)
        seen.add(name)
        if _written(archive, member, folder / name) != manifest.files[name].sha256:
            refusals.append(_refusal(path, name, f"damaged: expected the content of {MANIFEST}, got another"))
    if missing := sorted(manifest.files.keys() - seen):
        refusals.append(_refusal(path, shortened(", ".join(missing), 300), f"missing, and in {MANIFEST}"))
    if refusals:
        raise RunErrors(refusals)
    (folder / MANIFEST).write_bytes(manifest.file_content())
    flush_folder(folder)


def _checked_name(path: Path, member: tarfile.TarInfo, manifest: Manifest, seen: set[str]) -> str:
    """Return an entry's path, refused if it is no file of the manifest."""
    top, _, name = member.name.partition("/")
    if top != manifest.run or not is_path_in_run(name):
        raise _refusal(path, member.name, f"expected a path below {manifest.run}/")
    if not member.isreg():
        kind = "a link" if member.issym() or member.islnk() else "a device, a folder or the like"
        raise _refusal(path, name, f"expected a plain file, got {kind}")
    if name in seen:
        raise _refusal(path, name, "expected every file once, got it twice")
    if name not in manifest.files:
        raise _refusal(path, name, f"expected the files of {MANIFEST}, which does not have it")
    if member.size != manifest.files[name].size:
        expected = f"{manifest.files[name].size:,} bytes, as in {MANIFEST}"
        raise _refusal(path, name, f"expected {expected}, got {member.size:,}")
    return name


def _written(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> str:
    """Write an entry's content to a new file, and return its SHA-256."""
    source, digest = archive.extractfile(member), hashlib.sha256()
    assert source is not None, "it is a plain file"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _refusal(path: Path, name: str, what: str) -> RunError:
    return RunError(f"{path}: {one_line(name)}: {what}; {AGAIN}")
