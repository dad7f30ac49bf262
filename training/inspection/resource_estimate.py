"""Memory and disk that a training needs, estimated before it starts.

An estimate is for deciding whether to begin: it counts what grows with the settings, and is good to a factor
of about two.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.cli.memory_errors import LEAST_ADDRESS_SPACE, address_space
from training.config.recipe import Recipe
from training.config.settings import CheckpointGrid, Setting
from training.schema.validation import ConfigError

FLOAT = 4
"""Bytes of a weight or an activation."""
INDEX = 8
"""Bytes of an index or a label."""
COPIES_OF_ACTIVATIONS = 2
"""Arrays of an activation's size that a step holds: values and gradients."""
COPIES_OF_WEIGHTS = 10
"""Arrays of the weights' size: gradients, the optimizer's states, masks, and what is written."""
COPIES_IN_STATE = 3
"""Arrays of the weights' size in a state: the weights and two running means."""
ROWS = {"weights": 5, "tangent": 7, "edge_popup": 9, "biprop": 9, "supermask": 9}
"""Arrays of the weights' size in an engine by parametrization: trained, gradients, moments, mask, scores."""
MOST_ROWS = max(ROWS.values())
"""For a parametrization that is not listed."""
INDEXES = 7
"""Indices and labels of a pair: two rows of a table, their sorted order, and its class."""
INDEXES_PER_ROW = 5
"""Indices and weights of each row of a table that attention sums for a pair."""
EVALUATION_BYTES = 64
"""Bytes of one evaluation in the metrics."""
PROCESS_BYTES = 340 * 2**20
"""Memory of a worker that has loaded torch and pandas and trains a tiny network."""


@dataclass(frozen=True)
class Need:
    """Memory and disk of a training, in bytes.

    Examples
    --------
    >>> Need(memory=3 * 2**30, disk=2**20).text()
    'about 3.0 GiB of memory per worker and 1.0 MiB of disk'
    """

    memory: int
    """Of the largest arm's worker."""
    disk: int
    """Of all arms' checkpoints and metrics, if every arm trains to its `max_steps`."""
    networks: int = 1
    """Number of networks to train; not more workers than that are started."""

    def text(self) -> str:
        """Return both in words."""
        return f"about {bytes_text(self.memory)} of memory per worker and {bytes_text(self.disk)} of disk"


def estimated_need(recipe: Recipe, arms: Sequence[str]) -> Need:
    """Return the memory and disk that training these networks needs.

    Parameters
    ----------
    arms : sequence of str
        Arm of each network that is to be trained.
    """
    by_arm = {arm: _arm_need(recipe, arm) for arm in dict.fromkeys(arms)}
    memory = max((need.memory for need in by_arm.values()), default=0)
    return Need(memory=memory, disk=sum(by_arm[arm].disk for arm in arms), networks=len(arms))


def engine_bytes(setting: Setting, n_arms: int, form: str = "weights") -> int:
    """Return the most bytes that an engine's tensors take in a step or an evaluation.

    It counts weights, gradients and moments, the network's buffers and index tables, and what a step and an
    evaluation allocate; not what the device and its libraries take. It is good to a factor of 1.5 for every
    model and parametrization here.

    Parameters
    ----------
    setting : Setting
        Task, model and optimizer of the arms.
    n_arms : int
        Arms that are stacked.
    form : str
        A key of `PARAMETRIZATIONS`.

    Examples
    --------
    >>> from training.config.recipe_files import read_recipe
    >>> setting = read_recipe("h_standard")[0].setting("dense")
    >>> one, many = (engine_bytes(setting, n) for n in (1, 256))
    >>> bytes_text(many), many == 256 * one
    ('535.3 MiB', True)
    """
    shapes, model = setting.shapes(), setting.model
    n_weights = sum(math.prod(shape) for shape in shapes.values())
    n_train, n_all = _n_examples(setting)
    n_outputs = setting.task.n_outputs
    W_in = next((shape for name, shape in shapes.items() if name.rpartition(".")[2] == "W_in"), (0,))
    neurons = W_in[-1] or sum(getattr(model, "widths", ()))
    is_plain = not neurons or form == "tangent"  # autograd holds the activations of every layer
    if not neurons:
        neurons = sum(shape[-1] for name, shape in shapes.items() if len(shape) > 1 and name != "W_E")
    # Each neuron and output has a buffer and, in a step or an evaluation, another array of its size.
    per_example = 2 * (neurons + n_outputs) * FLOAT
    if is_plain:
        per_example = per_example * 4 // 3
    if model.reads == "tokens":
        per_example += _token_bytes(setting, is_plain)
    is_shared = n_train == n_all and not is_plain  # one set of buffers, and half as much within a step
    n_stored = n_all * 3 // 2 if is_shared else n_train + n_all
    shared = n_all * setting.task.n_inputs * FLOAT if model.reads == "features" else 0
    rows = ROWS.get(form, MOST_ROWS) * n_weights * FLOAT
    return shared + n_arms * (rows + n_stored * per_example)


def _token_bytes(setting: Setting, is_plain: bool) -> int:
    """Return the bytes of a pair's indices, and of attention."""
    heads = [shape for shape in setting.shapes().values() if len(shape) == 3]
    if not heads:
        return INDEXES * INDEX
    n_heads, d_model, d_head = heads[0]
    n_tokens = 2 + getattr(setting.model, "equals", False)
    if is_plain:
        return 2 * n_tokens * (3 * n_heads * d_head + 2 * d_model) * FLOAT
    return (INDEXES + INDEXES_PER_ROW * (n_tokens * n_heads + 1)) * INDEX


def check_need(
    need: Need,
    folder: Path,
    *,
    workers: int = 1,
    free_memory: int | None = None,
    limit: int | None = None,
) -> None:
    """Raise a `ConfigError` if a training cannot fit.

    Parameters
    ----------
    folder : Path
        Where it will be written; it need not exist.
    workers : int
        Number of networks that are trained at a time, if there are so many.
    free_memory : int, optional
        Bytes of memory that all workers may take; by default what this machine has free.
    limit : int, optional
        Bytes that one process may map; by default this process's limit.
    """
    if not need.networks:
        return
    workers = min(workers, need.networks)
    free_memory = available_memory() if free_memory is None else free_memory
    limit = address_space() if limit is None else limit
    free_disk = shutil.disk_usage(
        next(path for path in (folder, *folder.absolute().parents) if path.exists())
    ).free
    mapped = need.memory - PROCESS_BYTES + LEAST_ADDRESS_SPACE  # libraries map more than they use
    fewer = 0 if free_memory is None or not need.memory else free_memory // need.memory
    jobs = f"--jobs {fewer}, " if fewer else ""
    each = f" ({workers} workers with {bytes_text(need.memory)} each)" if workers > 1 else ""
    for what, needed, free, cure in (
        (f"memory{each}", workers * need.memory, free_memory, jobs),
        ("address space per worker", mapped, limit, "a higher ulimit -v, "),
        ("disk", need.disk, free_disk, ""),
    ):
        if free is not None and needed > free:
            raise ConfigError(
                f"this training needs about {bytes_text(needed)} of {what}, and {bytes_text(free)} are free: "
                f"choose {cure}a smaller task, model or number of checkpoints, or add --yes to try"
            )


def available_memory() -> int | None:
    """Return the bytes of memory that this machine has free; None if unknown."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):  # a system without it
        pass
    return None


def bytes_text(n: int) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> bytes_text(1536), bytes_text(5 * 2**40)
    ('1.5 KiB', '5.0 TiB')
    """
    unit = min(int(math.log(max(n, 1), 1024)), 5)
    return f"{n / 1024**unit:.1f} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"


def _arm_need(recipe: Recipe, arm: str) -> Need:
    setting, settings = recipe.setting(arm), recipe.arms[arm]
    shapes = setting.shapes()
    n_weights = sum(math.prod(shape) for shape in shapes.values())
    n_checkpoints = 2 + sum(_n_steps(grid, settings.max_steps) for grid in recipe.checkpoints(arm))
    _, n_examples = _n_examples(setting)
    # An embedding is looked up, so that no array has its width for every example.
    width = sum(shape[-1] for name, shape in shapes.items() if len(shape) > 1 and name != "W_E")
    activations = n_examples * width * FLOAT * COPIES_OF_ACTIVATIONS
    saved = n_weights * (n_checkpoints + COPIES_IN_STATE) * FLOAT
    evaluations = settings.max_steps // recipe.measure.eval_every * EVALUATION_BYTES
    memory = PROCESS_BYTES + activations + n_weights * FLOAT * COPIES_OF_WEIGHTS + 2 * saved
    return Need(memory=memory, disk=saved + evaluations)


def _n_examples(setting: Setting) -> tuple[int, int]:
    """Return the numbers of training examples and of all that an engine holds; zeros if unknown."""
    n_train, n_all = setting.task.sizes() or (0, 0)
    if setting.model.symmetric and getattr(setting.task, "pairs", "") == "ordered":
        n_all = n_all // 2 + 1  # (a, b) and (b, a) are one example
    return min(n_train, n_all), n_all


def _n_steps(grid: CheckpointGrid, max_steps: int) -> int:
    """Return the most steps from 1 to `max_steps` that a grid has."""
    if grid.log is not None:
        return grid.log
    every = grid.every or 1
    if grid.around is not None:
        return 2 * grid.within // every + 1
    last = max_steps if grid.last is None else min(grid.last, max_steps)
    return max(0, last // every - max(grid.first - 1, 0) // every)
