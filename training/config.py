"""What an experiment is: frozen dataclasses, validated on construction, read from a recipe's TOML.

`Recipe` is the whole of it; a run directory's `config.json` holds one, every field resolved.
Field docstrings are the reference of what a recipe may say.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from interp.grokking import GrokkingTimes, grokking_times
from training.architectures import MODEL_CONFIGS, Model
from training.fields import ConfigError, build, names, override, require, require_positive, to_dict
from training.pruning import METHODS, NORM_STARTS, STARTS
from training.tasks import TASKS, Task

if TYPE_CHECKING:
    import pandas as pd

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW on the full batch: one step is one epoch."""

    name: Literal["adamw"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1.0
    """Decoupled: every step multiplies the weights by 1 − lr·weight_decay."""
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require_positive("lr", self.lr)
        require_positive("eps", self.eps)
        require(0 <= self.weight_decay < math.inf, "weight_decay", "a number from 0", self.weight_decay)
        require(all(0 <= b < 1 for b in self.betas), "betas", "two numbers in [0, 1)", self.betas)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """When a network in training is looked at, and when its weights are kept."""

    eval_every: int = 10
    """Losses and accuracies are taken at every multiple of this step; t_mem and t_gen are known this well."""
    threshold: float = 0.95
    """P: the accuracy that counts as memorised (train) and generalised (test)."""
    checkpoint_every: int = 1000
    """Weights are kept at every multiple of this step, and at the last step."""
    early_checkpoint_every: int = 100
    """The same, up to `early_until`: a ticket's whole life is there."""
    early_until: int = 2000

    def __post_init__(self) -> None:
        for name in ("eval_every", "checkpoint_every", "early_checkpoint_every"):
            require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        require(self.early_until >= 0, "early_until", "a whole number from 0", self.early_until)
        require(0 < self.threshold <= 1, "threshold", "a number in (0, 1]", self.threshold)
        for name in ("checkpoint_every", "early_checkpoint_every"):
            every = getattr(self, name)
            expected = f"a multiple of eval_every = {self.eval_every}"
            require(every % self.eval_every == 0, name, expected, every)

    def is_checkpoint(self, step: int) -> bool:
        """Whether the weights at `step` are kept whatever the arm does."""
        early = step <= self.early_until and step % self.early_checkpoint_every == 0
        return early or step % self.checkpoint_every == 0


@dataclass(frozen=True)
class Criterion:
    """What counts as memorised and generalised: a pair of curves and the level they have to reach."""

    train: str
    test: str
    level: float
    direction: Literal["up", "down"]

    def met(self, value: float) -> bool:
        """Whether a value is at the level or beyond it."""
        return bool(value >= self.level if self.direction == "up" else value <= self.level)

    def times(self, metrics: pd.DataFrame) -> GrokkingTimes:
        """t_mem and t_gen from an arm's metrics."""
        step, train, test = (np.asarray(metrics[name]) for name in ("step", self.train, self.test))
        return grokking_times(step, train, test, self.level, self.direction)


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What arms that prune share, unless they say otherwise."""

    sparsity: float = 0.6
    """Fraction of the prunable weights removed: the paper's prune rate."""
    scope: Literal["global", "layer"] = "global"
    """Whether one threshold serves all weights or each matrix is pruned to the same sparsity."""
    min_per_layer: int = 0
    """Every weight matrix keeps at least so many entries; one that would keep none is refused."""
    require_generalised: bool = True
    """Refuse to take a ticket from a network that has not generalised: the arm is then skipped, with the
    reason on disk. False takes it anyway, and its record says so."""

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)
        require(self.min_per_layer >= 0, "min_per_layer", "a whole number from 0", self.min_per_layer)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One trained network of a run (per seed): how it is pruned and how long it trains.

    It trains until `min_steps` are done and `settle_steps` have passed since its test accuracy first
    reached the threshold, and never beyond `max_steps`.
    """

    method: str = "none"
    """Pruning method, by the name of `training.pruning.METHODS`; `none` is the dense network."""
    source: str | None = None
    """The arm that is trained first, for what the method, the start or `from_step` takes of it."""
    sparsity: float | None = None
    """This arm's own sparsity; by default the recipe's `pruning.sparsity`."""
    start: str = "rewind"
    """What the weights begin as, by the name of `training.pruning.STARTS`: θ₀ unless said otherwise."""
    norm_scope: Literal["global", "mean_per_tensor"] = "global"
    """For the norm-controlled starts: one ratio over all weights, or the mean of every matrix's."""
    from_step: int | None = None
    """Begin from the first arm of the lineage (the dense network) at this checkpoint, in place of θ₀."""
    form: Literal["weights", "tangent", "edge_popup", "biprop", "supermask"] = "weights"
    """What is trained: the weights, of the network or of its tangent at its start (losses and accuracies are
    then the tangent's); or scores that choose which weights to keep."""
    train_weights: bool = False
    """For the score forms: whether the chosen weights are trained along with the scores."""
    optimizer: Optimizer | None = None
    """This arm's own; by default the recipe's."""
    min_steps: int = 0
    max_steps: int = 30_000
    settle_steps: int = 1000

    @property
    def scored(self) -> bool:
        """Whether trained scores choose what is kept."""
        return self.form not in ("weights", "tangent")

    @property
    def prunes(self) -> bool:
        """Whether this arm has a mask, from a method or from its own scores."""
        return self.method != "none" or self.scored

    def __post_init__(self) -> None:
        sparsity = 0.5 if self.sparsity is None else self.sparsity
        require(0 < sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)
        for name in ("min_steps", "settle_steps", "max_steps"):
            require(getattr(self, name) >= 0, name, "a whole number from 0", getattr(self, name))
        require(
            self.max_steps >= self.min_steps,
            "max_steps",
            f"at least min_steps = {self.min_steps}",
            self.max_steps,
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An experiment: task, model, optimizer, and the arms that are trained for every seed."""

    name: str
    """Also the run's folder below the runs folder."""
    about: str = ""
    """One line for `python -m training list`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One network per arm and seed; an arm's start depends on its own seed alone."""
    task: Task
    """What is learned, by the name of `training.tasks.TASKS`."""
    model: Model
    """The network, by the name of `MODEL_CONFIGS`."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    measure: Measure = field(default_factory=Measure)
    pruning: Pruning = field(default_factory=Pruning)
    arms: Mapping[str, Arm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(_is_folder_name(self.name), "name", FOLDER_NAME, self.name)
        seeds_fit = min(self.seeds, default=-1) >= 0 and max(self.seeds) < 2**63
        unique = seeds_fit and len(set(self.seeds)) == len(self.seeds)
        require(unique, "seeds", "one or more different whole numbers from 0", self.seeds)
        require(
            self.model.reads == self.task.gives,
            "model.name",
            f"a model that reads {self.task.gives}",
            self.model.name,
        )
        if self.model.reads == "tokens":
            symmetric = "a task symmetric in a and b, or unordered pairs: the network adds its two embeddings"
            require(self.task.symmetric, "task", symmetric, self.task.name)
        require(len(self.arms) > 0, "arms", "at least one arm", "none")
        for name in self.arms:
            require(_is_folder_name(name), "arms", FOLDER_NAME, name)
            self._check_arm(name)

    def _check_arm(self, name: str) -> None:
        arm, where = self.arms[name], f"arms.{name}"
        known = arm.method == "none" or arm.method in METHODS
        require(known, f"{where}.method", f"none or one of {names(METHODS)}", arm.method)
        require(arm.start in STARTS, f"{where}.start", f"one of {names(STARTS)}", arm.start)
        unpruned = arm.method == "none" or not arm.scored
        require(unpruned, f"{where}.method", f"none for {arm.form}", arm.method)
        own_weights = arm.scored or not arm.train_weights
        require(own_weights, f"{where}.train_weights", f"false for {arm.form}", True)
        needs_mask = self.takes_mask(name)
        if needs_mask or self.takes_weights(name) or arm.from_step is not None:
            fit = {a for a, other in self.arms.items() if other.prunes or not needs_mask}
            require(
                arm.source in fit - {name}, f"{where}.source", f"one of {names(fit - {name})}", arm.source
            )
        else:
            require(arm.source is None, f"{where}.source", f"none for method {arm.method!r}", arm.source)
        own_sparsity = arm.prunes and not (arm.method != "none" and needs_mask) and arm.form != "supermask"
        if not own_sparsity:
            no_sparsity = f"none for method {arm.method!r}"
            require(arm.sparsity is None, f"{where}.sparsity", no_sparsity, arm.sparsity)
        if arm.from_step is not None:
            kept = arm.from_step >= 0 and self.measure.is_checkpoint(arm.from_step)
            require(kept, f"{where}.from_step", "a step with a checkpoint", arm.from_step)
        self.lineage(name)

    def takes_weights(self, arm: str) -> bool:
        """Whether an arm's method reads its source's trained weights: a ticket."""
        method = self.arms[arm].method
        return method != "none" and METHODS[method].source == "weights"

    def takes_mask(self, arm: str) -> bool:
        """Whether an arm's method, or its norm-controlled start, reads its source's mask."""
        own = self.arms[arm]
        by_method = own.method != "none" and METHODS[own.method].source == "mask"
        return by_method or (own.method == "none" and own.start in NORM_STARTS)

    @property
    def criterion(self) -> Criterion:
        """Accuracy above `measure.threshold`; for a task without classes, loss below its own threshold."""
        if self.task.loss_threshold is None:
            return Criterion("train_acc", "test_acc", self.measure.threshold, "up")
        return Criterion("train_loss", "test_loss", self.task.loss_threshold, "down")

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of every weight by name, in the order of the forward pass."""
        return self.model.shapes(self.task.n_inputs, self.task.n_outputs)

    def lineage(self, arm: str) -> list[str]:
        """The arm and those it needs first, in the order in which they are needed: its source, …, itself."""
        chain = [arm]
        while (source := self.arms[chain[0]].source) is not None:
            if source in chain:
                raise ConfigError(f"arms.{arm}.source: {' → '.join([source, *chain])} is a circle")
            chain.insert(0, source)
        return chain

    def sparsity(self, arm: str) -> float:
        """The sparsity that this arm is pruned to: 0 if dense, the source's if its mask is a source's."""
        own = self.arms[arm]
        if not own.prunes:
            return 0.0
        if own.method != "none" and self.takes_mask(arm):
            assert own.source is not None
            return self.sparsity(own.source)
        return self.pruning.sparsity if own.sparsity is None else own.sparsity

    def arm_config(self, arm: str, seed: int) -> dict[str, Any]:
        """All that decides the bytes of one arm: what its DONE records and its hash covers."""
        config = to_dict(self)
        for key in ("name", "about", "seeds"):
            del config[key]
        config["arms"] = {name: config["arms"][name] for name in self.lineage(arm)}
        if not self.arms[arm].prunes:
            del config["pruning"]
        return config | {"arm": arm, "seed": seed}


def recipe_names() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_from_dict(content: Mapping[str, Any]) -> Recipe:
    """A recipe from nested plain values, as in a run's config.json."""
    chosen = {
        "task": _choose(TASKS, content.get("task", {}), "task", "add"),
        "model": _choose(MODEL_CONFIGS, content.get("model", {}), "model", "embed_mlp"),
    }
    return build(Recipe, dict(content) | chosen)


def _choose(kinds: Mapping[str, Any], content: Any, where: str, default: str) -> Any:
    """The settings of the kind that `name` says."""
    name = content.get("name", default) if isinstance(content, Mapping) else default
    require(name in kinds, f"{where}.name", f"one of {names(kinds)}", name)
    return build(kinds[name], content, where)


def read_recipe(name: str, overrides: Sequence[str] = ()) -> tuple[Recipe, str]:
    """A recipe by name or by the path of a TOML file, with `field=value` overrides; and its text."""
    path = RECIPES / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
        if path.suffix != ".toml":
            raise ConfigError(
                f"RECIPE: expected one of {names(recipe_names())} or a .toml file, got {name!r}"
            )
        if not path.is_file():
            raise ConfigError(f"RECIPE: expected a file, and {name} is not one")
    try:
        text = path.read_text()
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: not TOML: {error}") from None
    content.setdefault("name", path.stem)
    for setting in overrides:
        override(content, setting)
    return recipe_from_dict(content), text


FOLDER_NAME = "a name of letters, digits, '-', '_' and '.'"


def _is_folder_name(name: str) -> bool:
    return bool(name) and name[0] != "." and all(c.isalnum() or c in "-_." for c in name)
