"""Networks per second of a device: many arms in one batch, against one and against the floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training.bench.contestants import STEPS_ALONE, WARM_UP_SECONDS, first_setting, warm_up
from training.bench.floor import step_bytes
from training.bench.timing import Contestant, Spread, seconds_per_step

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.config.settings import Setting
    from training.optimization.engine import Engine

ARMS = (1, 8, 64, 256, 1024)
"""Arms of a batch on a GPU."""
WARM_UP_STEPS = 30


def device_speed(
    recipe: Recipe,
    device: str,
    n_arms: Sequence[int],
    bandwidth: float,
    rounds: int,
    seconds: float,
    free_memory: int | None = None,
) -> list[dict[str, Any]]:
    """Return arm-steps per second at each number of arms.

    Parameters
    ----------
    bandwidth : float
        Bytes per second that a copy on the device reads and writes.
    free_memory : int, optional
        Bytes that a batch may take; a larger one is not measured, and its row says so.

    Returns
    -------
    list of dict
        `times one by one`: against the rate of one network alone; `engine / floor`: time of a step over
        that of its update's memory traffic. `needs`: bytes of a batch too large for the memory.
    """
    from training.inspection.resource_estimate import engine_bytes

    setting = first_setting(recipe)
    least = 1 / _floor_seconds(setting, bandwidth)
    rows: list[dict[str, Any]] = []
    one: float | None = None
    for n in n_arms:
        row: dict[str, Any] = {"recipe": recipe.name, "model": setting.model.name, "arms": n}
        needed = engine_bytes(setting, n)
        if free_memory is not None and needed > free_memory:
            rows.append(row | {"needs": needed})
            continue
        rate = _rate(setting, device, n, rounds, seconds)
        if one is None:
            one = rate.median if n == 1 else _rate(setting, device, 1, rounds, seconds).median
        rows.append(
            row
            | {
                "arm-steps per second": rate.median,
                "spread": [rate.low, rate.high],
                "times one by one": rate.median / one,
                "engine / floor": least / rate.median,
            }
        )
    return rows


def _rate(setting: Setting, device: str, n_arms: int, rounds: int, seconds: float) -> Spread:
    """Return arm-steps per second of a batch."""
    engine = _batch(setting, device, n_arms)
    warm_up(engine, WARM_UP_STEPS, WARM_UP_SECONDS)
    steps = {"engine": Contestant(lambda: engine.run(STEPS_ALONE), STEPS_ALONE * n_arms)}
    took = seconds_per_step(steps, rounds, seconds, device)["engine"]
    return Spread.of([1 / value for value in took])


def _batch(setting: Setting, device: str, n_arms: int) -> Engine:
    """Return an engine of equal arms: a thousand starts need not be drawn to be timed."""
    from training.optimization.engine import Engine

    start = setting.initial_weights(0)
    nothing = [None] * n_arms
    return Engine(setting.model, setting.optimizer, setting.examples(), [start] * n_arms, nothing, device)


def _floor_seconds(setting: Setting, bandwidth: float) -> float:
    """Return the least seconds that an arm's step takes."""
    from training.config.listing import n_weights

    return step_bytes(n_weights(setting.shapes()), len(setting.optimizer.state_names)) / bandwidth


def free_bytes(device: str) -> int | None:
    """Return the bytes of memory that a device has free; None if unknown."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    from training.inspection.resource_estimate import available_memory

    return available_memory()
