"""Atomic writes, and reads that name a damaged file."""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import json
import os
import socket
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from training.schema.plain_content import parse_json, shown

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd


Flush = Literal["name", "content", "nothing"]
"""What a write has on disk when it returns."""
FORMULA_SIGNS = "=+-@\t\r"
"""First characters by which a spreadsheet takes a text for a formula."""
WORDS = {str: "text", int: "a whole number from 0", float: "a number from 0", dict: "a table"}
"""Words for the types of a record's fields."""


class RunError(ValueError):
    """File or folder of a run that is damaged, missing or in the way."""


class RunErrors(RunError):
    """Several of a run's errors, each once, a line each.

    Parameters
    ----------
    refusals : sequence of RunError
    """

    def __init__(self, refusals: Sequence[RunError]) -> None:
        self.refusals = list({str(refusal): refusal for refusal in _single(refusals)}.values())
        super().__init__("\n".join(map(str, self.refusals)))


def _single(refusals: Sequence[RunError]) -> Iterator[RunError]:
    for refusal in refusals:
        yield from refusal.refusals if isinstance(refusal, RunErrors) else [refusal]


def read_json(path: Path) -> Any:
    """Return a JSON file's content, None if there is no such file."""
    try:
        return parse_json(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RunError(
            f"{path}: damaged: expected JSON ({error}); restore it from a copy, or delete it"
        ) from None


def read_record(path: Path, *keys: str) -> dict[str, Any] | None:
    """Return a JSON table with these keys, None without a file."""
    content = read_json(path)
    if content is None and not path.exists():
        return None
    if not isinstance(content, dict):
        raise RunError(f"{path}: damaged: expected a table of fields, got {shown(content)}")
    if missing := [key for key in keys if key not in content]:
        raise RunError(f"{path}: damaged: {', '.join(missing)} missing")
    return content


def check_fields(path: Path, record: dict[str, Any], **types: type) -> None:
    """Raise a `RunError` unless these fields of a file's table have these types.

    A whole number is a number too, and none is negative.
    """
    for key, kind in types.items():
        value = record.get(key)
        fits = type(value) in ((int, float) if kind is float else (kind,))
        if not fits or (kind in (int, float) and not value >= 0):  # type: ignore[operator]
            raise RunError(f"{path}: damaged: {key}: expected {WORDS[kind]}, got {shown(value)}")


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON."""
    write_bytes(path, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """Return indented JSON."""
    return (json.dumps(content, indent=2) + "\n").encode()


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet or CSV, by the path's suffix."""
    if path.suffix == ".csv":
        write_bytes(path, _without_formulas(table).to_csv(index=False).encode())
    else:
        write_bytes(path, table.to_parquet(index=False))


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet takes for a formula.

    A text that begins as one gets an apostrophe in front; numbers stay numbers.
    """
    table = table.rename(columns=_no_formula)
    for name in table:
        if table[name].dtype.kind == "O" or str(table[name].dtype) == "str":
            table[name] = table[name].map(_no_formula)
    return table


def _no_formula(value: Any) -> Any:
    is_formula = isinstance(value, str) and len(value) > 1 and value[0] in FORMULA_SIGNS
    return f"'{value}" if is_formula else value


def write_bytes(path: Path, content: bytes, flush: Flush = "name") -> None:
    """Replace a file in one step.

    On any failure the old one stays and no temporary file is left; one that a killed process left is deleted.

    Parameters
    ----------
    flush : {"name", "content", "nothing"}
        What is on disk at the end: the folder's entry and the content, the content alone, or neither. Whoever
        leaves some out calls `flush_files`, or `flush_folder`, before a file is written that says they are
        there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        delete_stale_temporaries(path.parent, path.name)
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            if flush != "nothing":
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)  # after the renaming it is gone anyway
    if flush == "name":
        flush_folder(path.parent)


def flush_files(paths: Sequence[Path]) -> None:
    """Write the content of files to disk, all at once: that takes hardly longer than for one of them."""
    for failure in _flushing_threads().map(_flush_failure, paths):
        if failure is not None:
            raise failure


def _flush_failure(path: Path) -> OSError | None:
    """Write a file's content to disk, and return what went wrong; a file deleted meanwhile is no failure."""
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except FileNotFoundError:
        pass
    except OSError as error:
        error.filename = error.filename or str(path)
        return error
    return None


@functools.cache
def _flushing_threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="flush")


def flush_folder(folder: Path) -> None:
    """Write a folder's entries to disk, where the system can open a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_archive(path: Path) -> None:
    """Raise an error if a zip archive is damaged.

    `torch.load` does not compare checksums.
    """
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            raise zipfile.BadZipFile("checksums differ")


def share(source: Path, path: Path) -> None:
    """Link `path` to a file, or copy it where links are impossible.

    No file is ever changed in place, so a linked one is safe.
    """
    if path.exists() and path.samefile(source):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        temporary.hardlink_to(source)
    except OSError:
        write_bytes(path, source.read_bytes())
        return
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{_host()}.{os.getpid()}.tmp")


def delete_stale_temporaries(folder: Path, name: str | None = None) -> None:
    """Delete temporary files whose process on this machine has ended; of all files, or of one name.

    Where no process can be asked for, as on Windows, the caller holds the folder's lock.
    """
    of = "*" if name is None else glob.escape(name)
    for file in folder.glob(f".{of}.{_host()}.*.tmp"):
        pid = file.name.split(".")[-2]
        if pid.isdecimal() and not _is_running(int(pid)):
            file.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # there `os.kill` ends the process, and only the lock's holder writes here
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _host() -> str:
    return socket.gethostname().replace(".", "-")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any error of reading a file into a `RunError`."""
    try:
        yield
    except FileNotFoundError:
        raise RunError(f"{path}: missing") from None
    except (PermissionError, MemoryError, ImportError):  # not the file's fault
        raise
    except Exception as error:  # the readers' libraries do not say what a damaged file makes them raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(f"{path}: damaged: {reason}") from None
