"""Option `--executor` of every command that spreads work."""

from __future__ import annotations

from training.schema.validation import ConfigError

LOCAL = "local"
"""Name of the executor that is this machine's worker processes."""
EXECUTOR_HELP = (
    "where the work is done: 'local' (worker processes of this machine, the default), 'slurm' (as "
    "cluster.toml says), or a Python file with a Parsl config"
)


def check_jobs(executor: str, jobs: int | None) -> None:
    """Refuse a number of worker processes for another executor than this machine's."""
    if jobs is not None and executor != LOCAL:
        raise ConfigError(f"--jobs: expected none with --executor {executor}, which counts its own workers")
