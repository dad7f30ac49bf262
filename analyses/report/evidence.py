"""The saved tables that claims are judged by: which are there, which commands make the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.claims.claim import Claim, Evidence, Finding, Verdict, verdict
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.runs.atomic_files import RunError, read_json, reading
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, differences, to_dict

if TYPE_CHECKING:
    import pandas as pd

NETWORK = ["arm", "seed", "status", "sparsity", "steps", "t_mem_interval", "t_gen_interval", "tau"]
NETWORK += ["train_loss", "test_loss", "train_acc", "test_acc"]
"""What the table of all networks says of each."""
BESIDE_THE_POINT = ("name", "about", "collection", "note", "seeds", "refine")
"""Fields of a recipe in which a run of it may differ."""


@dataclass(frozen=True)
class Judged:
    """A claim, what was found of it, and what is missing to judge it whole."""

    claim: Claim
    findings: list[Finding]
    missing: list[str]
    """Why evidence is not there, a line each."""

    @property
    def verdict(self) -> Verdict:
        """Of what was found."""
        return verdict(self.findings, complete=not self.missing)


def judge(claim: Claim, runs: Path) -> Judged:
    """A claim by the tables of the runs in a folder.

    Raises
    ------
    RunError
        If a table, or what is known of its run, is damaged, or lacks what today's analyses write.
    """
    findings, missing = [], []
    for evidence in claim.evidence:
        reason = _lacks(evidence, RunDir(runs / evidence.recipe))
        if reason is not None:
            missing.append(reason)
            continue
        findings += _found(evidence, RunDir(runs / evidence.recipe))
    return Judged(claim, findings, missing)


def commands(claims: Sequence[Claim], runs: Path) -> list[str]:
    """What makes the tables of these claims, each command once, in order; and how long a training took."""
    out = "" if str(runs) == "runs" else f" --out {runs}"
    evidence = [own for claim in claims for own in claim.evidence]
    training = [f"python -m training {own.recipe}{out}{_took(RunDir(runs / own.recipe))}" for own in evidence]
    analyses = [
        f"python -m analyses.{name} --run {runs / own.recipe}" for own in evidence for name in own.analyses
    ]
    return list(dict.fromkeys([*training, *analyses]))


def duration(seconds: float) -> str:
    """Wall time as people say it."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _took(run: RunDir) -> str:
    if run.seconds():
        return f"  # {duration(run.seconds())}"
    taken = any(start.get("taken") for start in run.provenance() or [])
    return "  # takes networks over that other runs have trained" if taken else ""


def _lacks(evidence: Evidence, run: RunDir) -> str | None:
    """Why the evidence is not there; None if it is."""
    config = run.config()
    if config is None:
        return f"{evidence.recipe} has not been trained"
    if changed := _changed(evidence.recipe, config):
        return f"{run.path} was trained with other settings than the recipe's: {'; '.join(changed)}"
    absent = [analysis for analysis, suffix in evidence.tables if not run.analysis(analysis, suffix).exists()]
    if absent:
        return f"{evidence.recipe} has no table of {' and '.join(dict.fromkeys(absent))}"
    return None


def _changed(name: str, config: Mapping[str, Any]) -> list[str]:
    """The fields in which a run differs from the recipe; arms that only the run has do not count."""
    recipe = to_dict(read_recipe(name)[0])
    try:
        own = to_dict(recipe_from_dict(config))
    except ConfigError as error:
        return [str(error)]
    own["arms"] = {arm: fields for arm, fields in own["arms"].items() if arm in recipe["arms"]}
    for field in BESIDE_THE_POINT:
        recipe.pop(field), own.pop(field)
    return differences(own, recipe)


def _found(evidence: Evidence, run: RunDir) -> list[Finding]:
    tables = [_table(run.analysis(analysis, suffix)) for analysis, suffix in evidence.tables]
    try:
        return evidence.judge(*tables)
    except KeyError as error:
        where = f"{run.path / 'analyses'}: {' or '.join(evidence.analyses)}"
        raise RunError(f"{where}: expected {error}, and it is missing: run the analysis again") from None


def _table(path: Path) -> Any:
    import pandas as pd

    if path.suffix == ".json":
        return read_json(path)
    with reading(path):
        return pd.read_parquet(path)


def every_network(runs: Path) -> pd.DataFrame:
    """When every network of every run memorised and generalised, as far as `analyses.grokking` looked."""
    import pandas as pd

    found = {
        path.parent.parent.name: _table(path) for path in sorted(runs.glob("*/analyses/grokking.parquet"))
    }
    own = [table.assign(run=run).reindex(columns=["run", *NETWORK]) for run, table in found.items()]
    return pd.concat(own, ignore_index=True) if own else pd.DataFrame(columns=["run", *NETWORK])
