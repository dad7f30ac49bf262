"""Option `--executor` of every command that spreads work."""

LOCAL = "local"
"""Name of the executor that is this machine's worker processes."""
EXECUTOR_HELP = (
    "where the work is done: 'local' (worker processes of this machine, the default), 'slurm' (as cluster.toml "
    "says), or a Python file with a Parsl config"
)
