"""Memory and disk that a training needs, estimated before it starts.

An estimate is for deciding whether to begin: it counts what grows with the settings. Memory is good to a
factor of about two. Of networks that train to their `max_steps`, the files are exact, and their bytes good to
a quarter.
"""

from __future__ import annotations

import functools
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.cli.memory_errors import LEAST_ADDRESS_SPACE, address_space
from training.config.recipe import Recipe
from training.config.settings import CheckpointGrid, Setting, is_checkpoint
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.runs.arm_directory import ArmDir
from training.schema.validation import ConfigError

FLOAT = 4
"""Bytes of a weight or an activation."""
COPIES_OF_ACTIVATIONS = 2
"""Arrays of an activation's size that a step holds: values and gradients."""
COPIES_OF_WEIGHTS = 10
"""Arrays of the weights' size: gradients, the optimizer's states, masks, and what is written."""
COPIES_IN_STATE = 3
"""Arrays of the weights' size in a state: the weights and two running means."""
INDEX = 8
"""Bytes of an entry of an index table, or of a number in double precision."""
FOLDED = ("embed_mlp", "one_hot_mlp", "embedded_mlp", "transformer")
"""Models whose network holds one array per example beside its outputs, as wide as its neurons."""
GRAPH_COPIES = 8
"""Arrays of an activation's size that a linearized network holds: a graph, and the graph of its transpose."""
EVALUATION_BYTES = 64
"""Bytes of one evaluation in the metrics."""
RECORD_BYTES, SOURCE_BYTES = 8500, 1000
"""Bytes of an arm's files beside their arrays, and more for each arm that it was made from."""
MOST_COUNTED = 100_000
"""Evaluations up to which checkpoints are counted one by one; above it, grids may share some."""
PROCESS_BYTES = 340 * 2**20
"""Memory of a worker that has loaded torch and pandas and trains a tiny network."""


@dataclass(frozen=True)
class Need:
    """Memory and disk of a training, in bytes.

    Examples
    --------
    >>> Need(memory=3 * 2**30, disk=2**20).text()
    'about 3.0 GiB of memory per worker and 1.0 MiB of disk'
    >>> Need(memory=3 * 2**30, disk=2**30, networks=1000, files=5000, folders=1001).text()
    'about 3.0 GiB of memory per worker and 1.0 GiB of disk in 5,000 files and 1,001 folders (6 per network)'
    """

    memory: int
    """Of the largest arm's worker."""
    disk: int
    """Of all networks' files, if every network trains to its `max_steps`."""
    networks: int = 1
    """Number of networks to train; not more workers than that are started."""
    files: int = 0
    """Files of these networks once they are finished, locks among them."""
    folders: int = 0
    """Folders of these networks and of their arms."""

    @property
    def inodes(self) -> int:
        """Files and folders, which some file systems limit."""
        return self.files + self.folders

    def text(self) -> str:
        """Return all in words."""
        inodes = ""
        if self.files:
            each = f"{self.inodes / self.networks:.3g} per network"
            inodes = f" in {self.files:,} files and {self.folders:,} folders ({each})"
        of_worker = f"about {bytes_text(self.memory)} of memory per worker"
        return f"{of_worker} and {bytes_text(self.disk)} of disk{inodes}"


def estimated_need(recipe: Recipe, arms: Sequence[str]) -> Need:
    """Return the memory and disk that training these networks needs.

    Parameters
    ----------
    arms : sequence of str
        Arm of each network that is to be trained.
    """
    by_arm = {arm: _arm_need(recipe, arm) for arm in dict.fromkeys(arms)}
    return Need(
        memory=max((need.memory for need in by_arm.values()), default=0),
        disk=sum(by_arm[arm].disk for arm in arms),
        networks=len(arms),
        files=sum(by_arm[arm].files for arm in arms),
        folders=len(arms) + len(by_arm),
    )


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
        Number of networks that this machine trains at a time, if there are so many; 0 if others train them.
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


def engine_bytes(setting: Setting, n_arms: int, form: str = "weights") -> int:
    """Return the estimated bytes of an engine's tensors.

    They are weights, gradients, the optimizer's states, masks, buffers, index tables and one snapshot
    (weights, what is trained and its states once more). Temporary arrays of a step or an evaluation are
    not counted.

    Parameters
    ----------
    setting : Setting
        Task, model and optimizer of the arms.
    n_arms : int
        Arms stacked in the engine.
    form : str
        A parametrization's name.

    Examples
    --------
    >>> from training.config.recipe_files import read_recipe
    >>> setting = read_recipe("modadd_fast")[0].setting("dense")
    >>> engine_bytes(setting, 64) > 50 * engine_bytes(setting, 1)
    True
    """
    n_weights = sum(math.prod(shape) for shape in setting.shapes().values())
    n_train, n = example_sizes(setting)
    widths, n_outputs = _hidden_widths(setting), setting.task.n_outputs
    rows = _weight_rows(setting, form) * n_weights
    # A step holds neurons and their gradients; attention's sums for neurons and logits too.
    held = 3 if setting.model.name == "transformer" else 2
    evaluated, trained = n * (widths + n_outputs), n_train * (held * widths + n_outputs)
    if form == "tangent":  # a graph of each, for every layer as written
        every = sum(shape[-1] for shape in setting.shapes().values() if len(shape) > 1)
        evaluated, trained = GRAPH_COPIES * n * every, GRAPH_COPIES * n_train * every
    elif n == n_train and setting.model.name in FOLDED:  # one set of buffers for both
        evaluated = 0
    shared = INDEX * n * (setting.task.n_inputs if setting.model.reads == "features" else 4)
    return n_arms * FLOAT * (rows + evaluated + trained) + shared


def example_sizes(setting: Setting) -> tuple[int, int]:
    """Return the numbers of training examples and of all.

    Those that the model cannot tell apart are one.
    """
    sizes = setting.task.sizes()
    if sizes is None:
        data = setting.examples()
        return data.n_train, len(data.inputs)
    n_train, n = sizes
    if setting.model.symmetric and getattr(setting.task, "pairs", "") == "ordered":
        # (a, b) and (b, a) are one example, unless one is for training and the other for tests.
        share, equal = n_train / n, math.isqrt(n)
        apart = 0.0 if getattr(setting.task, "pair_split", False) else share * (1 - share)
        n_train = round((n - equal) / 2 * (share + apart) + share * equal)
        n = round((n - equal) / 2 * (1 + 2 * apart) + equal)
    return n_train, n


def _hidden_widths(setting: Setting) -> int:
    """Return the neurons that a network holds for every example."""
    shapes = {name: shape for name, shape in setting.shapes().items() if len(shape) > 1}
    if setting.model.name in FOLDED:
        return next(shape[-1] for name, shape in shapes.items() if name.endswith("W_in"))
    *hidden, _ = [shape[-1] for shape in shapes.values()]
    return sum(hidden)


def _weight_rows(setting: Setting, form: str) -> int:
    """Return the arrays of the weights' size that an arm holds, its snapshot included."""
    states = len(setting.optimizer.state_names)
    beside = 1  # the mask
    if form == "tangent":
        beside = 2  # and the start
    elif PARAMETRIZATIONS[form].trains_scores:
        beside = 3  # and the scores and the weights that they choose from
    return 2 + states + beside + 2 + states  # weights and gradients; a snapshot of both trained rows


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
    grids, every = recipe.checkpoints(arm), recipe.measure.eval_every
    n_checkpoints = _n_checkpoints(grids, settings.max_steps, every)
    _, n_examples = setting.task.sizes() or (0, 0)
    if setting.model.symmetric and getattr(setting.task, "pairs", "") == "ordered":
        n_examples = n_examples // 2 + 1  # (a, b) and (b, a) are one example
    # An embedding is looked up, so that no array has its width for every example.
    width = sum(shape[-1] for name, shape in shapes.items() if len(shape) > 1 and name != "W_E")
    activations = n_examples * width * FLOAT * COPIES_OF_ACTIVATIONS
    saved = n_weights * (n_checkpoints + COPIES_IN_STATE) * FLOAT
    fixed = settings.form == "tangent" or settings.trains_scores  # weights beside those that are trained
    in_state = 1 + len(setting.optimizer.state_names) + fixed
    written = n_weights * ((n_checkpoints + in_state) * FLOAT + settings.prunes)
    evaluations = (settings.max_steps // every + 2) * EVALUATION_BYTES
    records = RECORD_BYTES + recipe.depths()[arm] * SOURCE_BYTES
    if settings.form == "tangent":
        activations = engine_bytes(setting, 1, settings.form)
    memory = PROCESS_BYTES + activations + n_weights * FLOAT * COPIES_OF_WEIGHTS + 2 * saved
    files = len(ArmDir.finished_files(settings.prunes))
    return Need(memory=memory, disk=written + evaluations + records, files=files)


@functools.lru_cache(maxsize=1024)
def _n_checkpoints(grids: tuple[CheckpointGrid, ...], max_steps: int, eval_every: int) -> int:
    """Return the most checkpoints of an arm that is trained to `max_steps`."""
    around = sum(_n_steps(grid, max_steps) for grid in grids if grid.around is not None)
    if max_steps // eval_every > MOST_COUNTED:
        return 2 + sum(_n_steps(grid, max_steps) for grid in grids)
    due = {*range(0, max_steps + 1, eval_every), max_steps}
    return around + sum(step == max_steps or is_checkpoint(grids, step, eval_every) for step in due)


def _n_steps(grid: CheckpointGrid, max_steps: int) -> int:
    """Return the most steps from 1 to `max_steps` that a grid has."""
    if grid.log is not None:
        return grid.log
    every = grid.every or 1
    if grid.around is not None:
        return 2 * grid.within // every + 1
    last = max_steps if grid.last is None else min(grid.last, max_steps)
    return max(0, last // every - max(grid.first - 1, 0) // every)
