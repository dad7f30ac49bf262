"""Weights & Biases: a run there for each network, grouped by recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.inspection.tracking import Tracker
from training.runs.arm_directory import ArmDir
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, config_hash

if TYPE_CHECKING:
    import pandas as pd

PROJECT = "grokking-tickets"
"""Project, unless WANDB_PROJECT names another."""


class WandbTracker(Tracker):
    """Tracker of Weights & Biases; WANDB_MODE=offline keeps everything on this machine."""

    def __init__(self, run: RunDir):
        super().__init__(run)
        try:
            import wandb
        except ModuleNotFoundError:
            raise ConfigError(
                "--track wandb: expected the package wandb, and it is not installed; "
                "pip install 'grokking-tickets[wandb]'"
            ) from None
        self.wandb = wandb
        self.runs: dict[str, Any] = {}

    def log(self, network: ArmDir, config: Mapping[str, Any], rows: pd.DataFrame) -> None:
        """Log evaluations by their step."""
        run = self.runs.get(str(network)) or self._begin(network, config)
        for row in rows.to_dict("records"):
            step = int(row.pop("step"))
            run.log({name: value for name, value in row.items() if value == value}, step=step)

    def finish(self, outcome_rows: Sequence[Mapping[str, Any]], figures: Sequence[Path]) -> None:
        """Write outcomes into the runs' summaries, and pictures into a run of their own."""
        for row in outcome_rows:
            run = self.runs[f"{row['arm']} seed {row['seed']}"]
            run.summary.update({name: value for name, value in row.items() if value is not None})
        if figures:
            run = self._init(name="figures", job_type="figures", id=None, config={})
            run.log({figure.stem: self.wandb.Image(str(figure)) for figure in figures})
            self.runs["figures"] = run
        for run in self.runs.values():
            run.finish()

    def _begin(self, network: ArmDir, config: Mapping[str, Any]) -> Any:
        """Return a new run of a network; a resumed training continues the earlier one."""
        run_id = config_hash({"run": self.run.path.name, "config": dict(config)})
        run = self._init(name=str(network), job_type=network.arm, id=run_id, config=dict(config))
        self.runs[str(network)] = run
        return run

    def _init(self, **options: Any) -> Any:
        settings = self.wandb.Settings(silent=True, console="off", x_disable_stats=True, init_timeout=30)
        return self.wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            group=self.run.path.name,
            resume="allow",
            reinit="create_new",
            settings=settings,
            **options,
        )
