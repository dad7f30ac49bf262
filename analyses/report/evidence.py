"""Claims judged by the saved tables of a folder of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.claims.claim import Claim, Evidence, Finding, Verdict, analysis_of, verdict
from analyses.grokking.schema import OUTCOMES
from analyses.report.run_records import analysis_command, training_command
from analyses.tables.schema import Analysis, Table
from analyses.tables.storage import load_summary, load_table, read_origin
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.runs.atomic_files import RunError, RunErrors
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, differences, to_dict

if TYPE_CHECKING:
    import pandas as pd

NETWORK_COLUMNS = (
    *("arm", "seed", "status", "sparsity", "steps", "t_mem_interval", "t_gen_interval", "tau"),
    *("train_loss", "test_loss", "train_acc", "test_acc"),
)
"""Columns of `networks.csv` after the run."""
FREE_FIELDS = ("name", "about", "collection", "note", "seeds", "refine")
"""Fields in which a run may differ from its recipe."""


@dataclass(frozen=True)
class MissingEvidence:
    """Recipe whose tables cannot be judged, and what to type."""

    recipe: str
    reason: str
    commands: tuple[str, ...] = ()
    """Commands that make the tables, in order."""

    def __str__(self) -> str:
        return f"{self.reason}: {', then '.join(map(repr, self.commands))}" if self.commands else self.reason


@dataclass(frozen=True)
class JudgedClaim:
    """Claim with its findings, and the evidence that is missing."""

    claim: Claim
    findings: list[Finding]
    missing_evidence: list[MissingEvidence]
    """One for each recipe whose tables cannot be judged."""

    @property
    def verdict(self) -> Verdict:
        """Verdict that follows from the findings."""
        return verdict(self.findings, complete=not self.missing_evidence)


def judge_claim(claim: Claim, runs: Path) -> JudgedClaim:
    """Judge a claim by the tables of the runs in a folder.

    Raises
    ------
    RunError
        If a table or a run's record is damaged, or a table is stale; a line for each, with the command that
        makes the table again.
    """
    findings: list[Finding] = []
    missing_evidence = []
    for evidence in claim.evidence:
        run = RunDir(runs / evidence.recipe)
        missing = _missing_evidence(evidence, run)
        if missing is None:
            findings += evidence.judge(*_load_sources(evidence, run))
        else:
            missing_evidence.append(missing)
    return JudgedClaim(claim, findings, missing_evidence)


def _missing_evidence(evidence: Evidence, run: RunDir) -> MissingEvidence | None:
    """Return what evidence lacks; None if it is there."""
    recipe, config = evidence.recipe, run.config()
    if config is None:
        train = training_command(recipe, run.path.parent)
        measure = [analysis_command(name, run.path) for name in evidence.analyses]
        return MissingEvidence(recipe, f"{recipe} has not been trained", (train, *measure))
    try:
        changed = _changed_settings(recipe, config)
    except ConfigError as error:
        reason = f"{run.path}: config.json is not a recipe that this version can read: {error}"
        return MissingEvidence(recipe, reason)
    if changed:
        reason = f"{run.path} was trained with other settings than the recipe's: {'; '.join(changed)}"
        return MissingEvidence(recipe, f"{reason}; train the recipe in another folder of runs")
    absent = {analysis_of(s): None for s in evidence.sources if not all(f.exists() for f in _files(run, s))}
    if absent:
        commands = tuple(analysis_command(name, run.path) for name in absent)
        return MissingEvidence(recipe, f"{recipe} has no table of {' and '.join(absent)}", commands)
    partial = (_partial_table(evidence, run, source) for source in evidence.sources)
    return next(filter(None, partial), None)


def _files(run: RunDir, source: Table | Analysis) -> list[Path]:
    """Return a table's file; for a summary, its analysis' main table and the summary."""
    if isinstance(source, Analysis):
        return [run.analysis(source.name, suffix) for suffix in (".parquet", ".json")]
    return [run.analysis(source.name, ".parquet")]


def _partial_table(evidence: Evidence, run: RunDir, source: Table | Analysis) -> MissingEvidence | None:
    """Return a table that was made with arguments, as `--arms`."""
    table = _files(run, source)[0]
    origin = read_origin(table)
    if origin is None or not origin.arguments:
        return None
    arguments = " ".join(_argument(name, value) for name, value in origin.arguments.items())
    command = analysis_command(analysis_of(source), run.path)
    return MissingEvidence(evidence.recipe, f"{table} was made with {arguments}", (command,))


def _argument(name: str, value: Any) -> str:
    values = value if isinstance(value, list) else [] if value is True else [value]
    return " ".join([f"--{name}", *map(str, values)])


def _changed_settings(recipe_name: str, config: Mapping[str, Any]) -> list[str]:
    """Return the fields in which a run differs from its recipe.

    Additional arms do not count: a search for the sparsity adds some.
    """
    recipe = to_dict(read_recipe(recipe_name)[0])
    trained = to_dict(recipe_from_dict(config))
    trained["arms"] = {arm: fields for arm, fields in trained["arms"].items() if arm in recipe["arms"]}
    for field in FREE_FIELDS:
        recipe.pop(field), trained.pop(field)
    return differences(trained, recipe)


def _load_sources(evidence: Evidence, run: RunDir) -> list[Any]:
    """Return the tables and summaries that a judge takes, in order."""
    loaded: list[Any] = []
    refusals = []
    for source in evidence.sources:
        path = _files(run, source)[-1]
        try:
            if isinstance(source, Analysis):
                loaded.append(load_summary(path, source))
            else:
                loaded.append(load_table(path, source))
        except RunError as refusal:
            refusals.append(refusal)
    if refusals:
        raise RunErrors(refusals)
    return loaded


def outcomes_of_all_runs(runs: Path) -> pd.DataFrame:
    """Return the outcome of every network of every run in a folder.

    Raises
    ------
    RunError
        If a table is damaged or stale.
    """
    import pandas as pd

    tables = {path.parents[1].name: path for path in sorted(runs.glob(f"*/analyses/{OUTCOMES.name}.parquet"))}
    columns = ["run", *NETWORK_COLUMNS]
    outcomes = [
        load_table(path, OUTCOMES).assign(run=run).reindex(columns=columns) for run, path in tables.items()
    ]
    return pd.concat(outcomes, ignore_index=True) if outcomes else pd.DataFrame(columns=columns)
