"""Networks of a run: the arms and seeds of its recipe, and further seeds that have a folder."""

from __future__ import annotations

from collections.abc import Iterable

from training.runs.arm_directory import ArmDir
from training.runs.run_directory import RunDir


def listed_networks(run: RunDir, arms: Iterable[str], seeds: Iterable[int] = ()) -> list[ArmDir]:
    """Return the files of every arm and seed of a run, which need not exist.

    Every listing goes through this function, so that tables, pictures and outcomes agree on the number of
    networks: a seed that was copied into the folder counts like one that was trained there.

    Parameters
    ----------
    arms : iterable of str
        Arms, in their order.
    seeds : iterable of int
        Seeds of every arm, in their order; further seeds that have a folder follow. None for adopted
        weights.
    """
    seeds = list(dict.fromkeys(seeds))
    present: dict[str, list[int]] = {}
    for files in run.arms():
        present.setdefault(files.arm, []).append(files.seed)
    return [run.arm(arm, seed) for arm in arms for seed in dict.fromkeys([*seeds, *present.get(arm, [])])]
