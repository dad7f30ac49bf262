"""Shell lines that a job runs before its workers start."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import training
from training.execution.cluster.cpu_pin import pinned_environment

UNTIL = "GROKKING_TICKETS_UNTIL"
"""Environment variable of workers: epoch seconds from which they save and start nothing more."""
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Variables that limit a library's threads: a worker has one core."""


def job_script(setup: Iterable[str], walltime_seconds: int | None, seconds_to_save: int, cpu: str) -> str:
    """Return the lines that a job runs first: its end, the user's lines, then our environment.

    Parameters
    ----------
    setup : iterable of str
        The user's lines.
    walltime_seconds : int or None
        Length of a job; None if its end is not known.
    seconds_to_save : int
        Seconds before its end from which workers save.
    cpu : str
        Vector instructions of all workers, as in the settings.
    """
    lines = [until_line(walltime_seconds, seconds_to_save)] if walltime_seconds else []
    variables = {**dict.fromkeys(ONE_THREAD, "1"), **pinned_environment(cpu)}
    return "\n".join([*lines, *setup, *_path_lines(), *_exports(variables), ""])


def until_line(walltime_seconds: int, seconds_to_save: int) -> str:
    """Return the line that tells workers when to save; Slurm may say an earlier end than the walltime's."""
    now = "now=$(date +%s)"
    end = f"end=$(( now + {walltime_seconds} )) theirs=${{SLURM_JOB_END_TIME:-0}}"
    earlier = "[ $theirs -gt $now ] && [ $theirs -lt $end ] && end=$theirs"  # an older one is another job's
    return f"{now}; {end}; {earlier}; export {UNTIL}=$(( end - {seconds_to_save} ))"


def _path_lines() -> list[str]:
    """Return lines that make workers use this interpreter and this checkout.

    What this process was given as PYTHONPATH follows, for plug-ins.
    """
    code = [str(Path(training.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return [
        f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"',
        f'export PYTHONPATH={shlex.quote(os.pathsep.join(code))}"${{PYTHONPATH:+:$PYTHONPATH}}"',
    ]


def _exports(variables: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
