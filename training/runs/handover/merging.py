"""Union of two runs of like recipes: arms, seeds and provenance."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.config.recipe import Recipe
from training.execution.identity.start_record import command_line, commit
from training.execution.run_config import recorded_bases, united, write_run_config
from training.inspection.run import Run, open_run
from training.runs import atomic_files
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError, RunErrors, flush_folder
from training.runs.handover.run_files import NETWORK_FILES
from training.runs.handover.verified_run import verified_run
from training.runs.reduced_checkpoints import whole_digests
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, differences, is_file_name, names

OWN = ("arms", "name", "about", "collection", "note", "seeds", "plugins")
"""Fields of adopted runs' configs that may differ."""


def merged_run(one: Path | str, other: Path | str, to: Path | str) -> Run:
    """Join two runs into a new one (`training.merge_runs`)."""
    runs = [RunDir.open(run) for run in (one, other)]
    target = Path(to)
    if runs[0].path.resolve() == runs[1].path.resolve():
        raise ConfigError(f"RUN: expected two different runs, got {one} twice")
    if target.exists():
        raise ConfigError(f"--to: expected a new folder, and {target} exists; choose another name")
    if not is_file_name(target.name):
        raise ConfigError(f"--to: expected a folder with a name that every system takes, got {to}")
    with contextlib.ExitStack() as held:
        for network in (files for run in runs for files in run.arms()):
            if network.has_state() and network.done() is None:
                held.enter_context(network.locked())
        for run in runs:
            verified_run(run)
        opened = [open_run(run) for run in runs]
        union = _union(opened, target.name)
        chosen = _chosen(runs)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
            merged = RunDir(Path(temporary) / target.name)
            _write(merged, union, runs, chosen)
            verified_run(merged)
            merged.path.rename(target)
    flush_folder(target.parent)
    return open_run(target)


def _union(runs: Sequence[Run], name: str) -> Recipe | dict[str, Any]:
    """Return the recipe of both runs, or for adopted weights their config."""
    one, other = runs
    paths = f"{one.path} and {other.path}"
    if one.trained_here != other.trained_here:
        raise RunError(f"{paths}: expected two trained runs, or two of adopted weights, got one of each")
    for run in runs:
        if run.unknown_arms:
            needed = f"a plug-in is missing for {names(run.unknown_arms)}"
            raise RunError(f"{run.path}: {needed}; --plugin names its module or file")
    if one.trained_here:
        try:
            return replace(united(one.recipe, other.recipe), name=name)
        except ConfigError as error:
            raise RunError(f"{paths}: expected runs of like recipes, got {error}; merge others") from None
    config, fields = _joined(*(run.files.config() or {} for run in runs))
    if fields:
        raise RunError(f"{paths}: expected weights of one config, got {'; '.join(fields)}; merge others")
    return config


def _joined(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the union of two configs of adopted weights, and fields that differ."""
    shared = [{key: value for key, value in config.items() if key not in OWN} for config in (before, after)]
    arms = [dict(config.get("arms", {})) for config in (before, after)]
    both = arms[0].keys() & arms[1].keys()
    of_both = [{name: table[name] for name in both} for table in arms]
    fields = [*differences(shared[0], shared[1]), *differences(of_both[0], of_both[1])]
    union = {**after, **before}
    return (union | {"arms": arms[1] | arms[0]} if any(arms) else union), fields


def _chosen(runs: Sequence[RunDir]) -> dict[tuple[str, int], ArmDir]:
    """Return the files of every network; the more complete ones if both runs have it."""
    chosen: dict[tuple[str, int], ArmDir] = {}
    refusals = []
    for files in (files for run in runs for files in run.arms()):
        if not any(path.is_file() and not path.name.startswith(".") for path in files.path.iterdir()):
            continue
        before = chosen.setdefault((files.arm, files.seed), files)
        if before is files:
            continue
        if differing := _differing_files(before, files):
            refusals.append(
                RunError(
                    f"{before.path} and {files.path}: expected equal bytes, or a network of one of the runs, "
                    f"and {', '.join(differing)} differ; give one of them another seed, or move it elsewhere"
                )
            )
        chosen[files.arm, files.seed] = max(before, files, key=_completeness)
    if refusals:
        raise RunErrors(refusals)
    return chosen


def _differing_files(one: ArmDir, other: ArmDir) -> list[str]:
    """Return the names of the files in which two finished networks differ."""
    finished = [files.done() is not None or not files.is_begun() for files in (one, other)]
    if not all(finished):
        return []
    digests = [{**files.file_hashes(), **whole_digests(files.done() or {})} for files in (one, other)]
    present = [{name: table[name] for name in NETWORK_FILES if name in table} for table in digests]
    in_both = [name for name in NETWORK_FILES if all(name in table for table in present)]
    differ = [name for name in in_both if present[0][name] != present[1][name]]
    return sorted({*differ, *({"mask.safetensors"} & (present[0].keys() ^ present[1].keys()))})


def _completeness(files: ArmDir) -> tuple[int, ...]:
    """Return a key by which the more complete files of a network come last."""
    done = files.done()
    if done is None and files.is_begun():
        return (1, files.state_step()) if files.has_state() else (0,)
    return (2, len(files.file_hashes()), -len((done or {}).get("reduced", {})))


def _write(
    merged: RunDir,
    union: Recipe | Mapping[str, Any],
    runs: Sequence[RunDir],
    chosen: Mapping[tuple[str, int], ArmDir],
) -> None:
    """Write the union of two runs to a new folder."""
    for files in chosen.values():
        place = merged.arm(files.arm, files.seed)
        for path in sorted(files.path.iterdir(), key=lambda path: path.name in files.STATUS_FILES):
            if path.is_file() and not path.name.startswith("."):
                atomic_files.share(path.resolve(), place.path / path.name)
    if not isinstance(union, Recipe):
        merged.write_config(union)
        return
    given = {run.path / "recipe.given.toml" for run in runs if (run.path / "recipe.given.toml").exists()}
    texts = {path.read_text(errors="replace") for path in given}
    bases = {**recorded_bases(runs[1]), **recorded_bases(runs[0])}
    write_run_config(merged, union, texts.pop() if len(texts) == 1 else "", bases)
    entries: list[dict[str, Any]] = []
    for run in runs:
        entries += [entry for entry in run.provenance() or [] if entry not in entries]
    for entry in (*entries, _entry_of_merge(runs, chosen)):
        merged.add_provenance(entry)


def _entry_of_merge(runs: Sequence[RunDir], chosen: Mapping[tuple[str, int], ArmDir]) -> dict[str, Any]:
    """Return the entry of a merge in provenance.json: the networks of each run."""
    return {
        "id": secrets.token_hex(6),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv),
        "commit": commit(),
        "merged": [
            {
                "run": run.path.resolve().name,
                "networks": [str(f) for f in chosen.values() if f.path.is_relative_to(run.path)],
            }
            for run in runs
        ],
        "arms": [],
        "seconds": 0.0,
    }
