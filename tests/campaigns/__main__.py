"""All campaigns, one after the other: `make campaign`. The table at the end has the counts by class."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from campaigns import kills, malformed, shapes, write_faults
from campaigns.trying import FAST_FOLDER

CAMPAIGNS = {
    "A, kills": (kills.campaign, 210),
    "B, malformed inputs": (malformed.campaign, 2500),
    "C, shapes of runs": (shapes.campaign, len(shapes.SHAPES)),
    "D, faults in writes": (write_faults.campaign, 100),
}
"""By class: the campaign, and its number of cases."""


def main():
    """Run all campaigns; exit code 1 if anything failed."""
    parser = argparse.ArgumentParser(description="All campaigns.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lanes", type=int, default=2, help="commands at a time")
    args = parser.parse_args()
    totals, failed = [], False
    for name, (campaign, cases) in CAMPAIGNS.items():
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(dir=FAST_FOLDER if FAST_FOLDER.is_dir() else None) as folder:
            tried = campaign(cases, args.seed, Path(folder), args.lanes)
        print(*tried.lines(), sep="\n", flush=True)
        failed = failed or bool(tried.failures)
        totals.append(f"{tried.total()} ({name[3:]}, {time.monotonic() - begun:.0f} s)")
    print(f"Seed {args.seed}:", *totals, sep="\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
