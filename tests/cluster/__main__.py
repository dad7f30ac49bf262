"""Faults of a cluster, on a Slurm of one node: `make cluster-test`. The end has the counts by kind."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from campaigns.trying import FAST_FOLDER
from cluster.faults import CPUS, campaign
from cluster.one_node_slurm import running_slurm, why_not

COUNTS = {"worker": 26, "job, SIGTERM": 4, "job, SIGKILL": 3, "driver": 5, "second driver": 2}
"""Faults that are made, by kind."""
LIMIT = 480.0
"""Seconds after which no new run is begun."""


def install():
    """Install Slurm, where this is a Debian and this user may."""
    if why_not() is None or shutil.which("apt-get") is None:
        return
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "slurm-wlm", "munge"]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "-qq", *words], env=environment, check=False, stdout=subprocess.DEVNULL)


def main():
    """Make all faults; exit code 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only-install", action="store_true", help="install Slurm and end")
    args = parser.parse_args()
    install()
    if args.only_install:
        return 0
    if reason := why_not():
        print(f"skipped: {reason}")
        return 1
    begun = time.monotonic()
    with (
        running_slurm(CPUS) as slurm,
        tempfile.TemporaryDirectory(dir=FAST_FOLDER if FAST_FOLDER.is_dir() else None) as folder,
    ):
        tried = campaign(slurm, COUNTS, args.seed, Path(folder), LIMIT)
        daemons = slurm.pids()
    print(*tried.lines(verbose=True), sep="\n")
    print(f"{tried.total()}; daemons ended: {', '.join(daemons)}; {time.monotonic() - begun:.0f} s")
    return int(bool(tried.failures))


if __name__ == "__main__":
    sys.exit(main())
