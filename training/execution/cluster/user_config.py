"""A user's Parsl config: a Python file that defines `config`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.execution.cluster.block_failures import BlockFailures
from training.execution.cluster.block_script import job_script
from training.execution.cluster.cpu_pin import HERE
from training.execution.cluster.interchange_guard import guard
from training.execution.cluster.launch_commands import interchange_command, pool_command
from training.execution.cluster.settings import walltime_seconds
from training.schema.plain_content import one_line, shown
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from parsl import Config

MODULE = "grokking_tickets_cluster_config"
"""Name under which a config's file is imported."""
SECONDS_TO_SAVE = 60
"""Seconds before the end of a job from which its workers save; less in a short job."""


def user_config(path: Path, folder: Path) -> Config:
    """Return the config of a file, adapted to this project; it writes below a folder.

    Raises
    ------
    ConfigError
        If there is no such file, it raises, or it defines no config with one HighThroughputExecutor.
    """
    config = checked_config(path, config_of_file(path))
    _adapt(config, folder)
    return config


def config_of_file(path: Path) -> Any:
    """Return what a file defines as `config`, called if it is a function.

    Raises
    ------
    ConfigError
        If there is no such file, it raises, or it defines no `config`.
    """
    if path.suffix != ".py" or not path.is_file():
        raise ConfigError(
            f"--executor: expected local, slurm or a Python file (.py) with a Parsl config, got {str(path)!r}"
            + ("" if path.exists() else ", which is not there")
        )
    spec = importlib.util.spec_from_file_location(MODULE, path.absolute())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # pickle looks it up
    try:
        spec.loader.exec_module(module)
        config = getattr(module, "config", None)
        return config() if callable(config) else config
    except (Exception, SystemExit) as error:  # a user's code may raise anything
        raise ConfigError(f"--executor {path}: {_cause(path, error)}") from error


def _cause(path: Path, error: BaseException) -> str:
    """Return what a file raised, and in which of its lines."""
    text = one_line(str(error))
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path.absolute())
    ]
    return f"{what} (line {ours[-1].lineno})" if ours else what


def checked_config(path: Path, config: Any) -> Config:
    """Return a config, once it is known to be one that runs may use.

    Raises
    ------
    ConfigError
        If it is no Parsl config with exactly one HighThroughputExecutor, whose jobs can be counted.
    """
    from parsl import Config
    from parsl.executors import HighThroughputExecutor

    where = f"--executor {path}"
    if not isinstance(config, Config):
        got = "nothing" if config is None else shown(config)
        raise ConfigError(
            f"{where}: expected `config`, a parsl.Config or a function that returns one, got {got}"
        )
    kinds = [type(each).__name__ for each in config.executors]
    executor: Any = config.executors[0]
    # one that extends it, as for MPI, does not start our processes on a node
    if len(kinds) != 1 or type(executor) is not HighThroughputExecutor:
        raise ConfigError(f"{where}: expected one HighThroughputExecutor, got {', '.join(kinds)}")
    if executor.cpu_affinity != "none":
        raise ConfigError(f"{where}: expected cpu_affinity='none', got {executor.cpu_affinity!r}")
    return config


def _adapt(config: Config, folder: Path) -> None:
    """Start this project's processes, by jobs that prepare what its workers need."""
    from parsl.executors.high_throughput import executor as defaults

    executor: Any = config.executors[0]
    config.run_dir = str(folder)
    config.retries = 0  # our scheduler puts a lost arm back
    executor.block_error_handler = BlockFailures()
    guard(executor)
    if executor.launch_cmd == defaults.DEFAULT_LAUNCH_CMD:
        executor.launch_cmd = pool_command()
    if executor.interchange_launch_cmd == defaults.DEFAULT_INTERCHANGE_LAUNCH_CMD:
        executor.interchange_launch_cmd = interchange_command()
    provider = executor.provider
    if hasattr(provider, "worker_init"):
        seconds = walltime_seconds(str(getattr(provider, "walltime", "")))
        margin = min(SECONDS_TO_SAVE, seconds // 4)
        provider.worker_init = job_script([provider.worker_init], seconds or None, margin, HERE)
