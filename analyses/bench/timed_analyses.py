"""Seconds of analyses and of a run's files.

The run is trained for it. Values do not matter to these times, sizes do: the networks have the sizes of
`modadd_fast`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.bench.timing import Contestant, Spread, seconds_per_step

if TYPE_CHECKING:
    from training.inspection.run import Run
    from training.runs.arm_directory import ArmDir

RECIPE, ARM = "modadd_fast", "random"
STEPS, EVERY = 500, 50
"""Steps of the network, and from one checkpoint to the next."""
CHECKPOINTS = 200
"""Checkpoints that are written and opened."""
N_NULLS = 20


def measure_analyses(
    rounds: int,
    *,
    steps: int = STEPS,
    n_checkpoints: int = CHECKPOINTS,
    n_nulls: int = N_NULLS,
) -> list[dict[str, Any]]:
    """Return a row per measured item: its median seconds and their spread.

    Parameters
    ----------
    rounds : int
        Rounds of which the median is taken; one more goes first.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = _trained(Path(folder), steps)
        items = _items(run, Path(folder), n_checkpoints, n_nulls)
        took = seconds_per_step({name: Contestant(call) for name, (call, _) in items.items()}, rounds, 0.0)
    rows = []
    for name, (_, about) in items.items():
        spread = Spread.of(took[name])
        rows.append(
            {"item": name, "on": about, "seconds": spread.median, "spread": [spread.low, spread.high]}
        )
    return rows


def _items(
    run: Run, folder: Path, n_checkpoints: int, n_nulls: int
) -> dict[str, tuple[Callable[[], object], str]]:
    """Return a call by name, and what it works on."""
    (network,) = run.networks
    last = replace(network, only_steps=(int(network.steps[-1]),))
    n = len(network.steps)
    files = run.files.arm("copies", 0)
    write = _writing(network.files, files, n_checkpoints)
    write()
    stored = f"{n_checkpoints} checkpoints of {RECIPE}"
    of_all = f"{n} checkpoints of one network"
    return {
        "fourier": (_analysis(run, "fourier", [network]), of_all),
        "progress": (_analysis(run, "progress", [network], jobs=1), of_all),
        f"graph_props, {n_nulls} nulls": (
            _analysis(run, "graph_props", [last], nulls=n_nulls, jobs=1),
            "one mask",
        ),
        "writing": (write, stored),
        "opening": (files.checkpoints, stored),
        "opening one weight": (partial(files.checkpoints, "W_E"), stored),
    }


def _analysis(run: Run, name: str, networks: list[Any], **options: Any) -> Callable[[], object]:
    """Return a call of an analysis, without its tables' files."""
    from analyses.running.measured_tables import command_of

    command = command_of(name)
    return partial(command.measure, run.files, networks, command.with_options(options))


def _writing(source: ArmDir, target: ArmDir, n: int) -> Callable[[], object]:
    """Return a call that writes so many copies of a network's last checkpoint."""
    import numpy as np

    weights = {name: np.repeat(w[-1:], n, axis=0) for name, w in source.checkpoints().items()}
    return partial(target.write_checkpoints, np.arange(n), weights)


def _trained(folder: Path, steps: int) -> Run:
    """Return a run of one network with a random mask."""
    from training.api.training_run import load_recipe, train

    overrides = {
        f"arms.{ARM}.min_steps": steps,
        f"arms.{ARM}.max_steps": steps,
        "measure.checkpoints": [{"every": EVERY}],
        "measure.eval_every": EVERY,
    }
    recipe = load_recipe(RECIPE, seeds=[0], arms=[ARM], overrides=overrides)
    return train(recipe, folder, jobs=1, device="cpu")
