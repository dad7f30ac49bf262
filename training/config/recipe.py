"""An experiment as a whole: `Recipe`. A run directory's `config.json` holds one, every field resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from training.architectures.registry import MODEL_CONFIGS, Model, is_prunable
from training.config.roles import role_of
from training.config.settings import Arm, Measure, Optimizer, Pruning, Role, Setting
from training.pruning.registry import METHODS, STARTS
from training.schema.validation import ConfigError, build, names, require, to_dict
from training.tasks.dataset import Task
from training.tasks.registry import TASKS


@dataclass(frozen=True, kw_only=True)
class Refine:
    """After the arms are trained: further ones, to find the sparsity at which networks cease to generalise.

    Among the arms that differ from `like` in sparsity alone, between the highest sparsity at which more than
    half of the seeds generalised and the lowest above it at which they did not, the arm half way is trained,
    until the two are neighbours.
    """

    like: str
    """The arm whose sparsity is varied."""
    resolution: float = 0.01
    """Sparsities tried are whole multiples of it."""

    def __post_init__(self) -> None:
        require(0 < self.resolution < 1, "resolution", "a number in (0, 1)", self.resolution)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An experiment: task, model, optimizer, and the arms that are trained for every seed."""

    name: str
    """Also the run's folder below the runs folder."""
    about: str = ""
    """One line for `python -m training list`."""
    collection: str = ""
    """The paper whose experiment this is; `--all-of` trains all that name it."""
    note: str = ""
    """Words that every figure of the run shows in a corner, as that it is a quick version."""
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
    refine: Refine | None = None
    """A search that adds arms of its own."""

    def __post_init__(self) -> None:
        require(_is_folder_name(self.name), "name", FOLDER_NAME, self.name)
        seeds_fit = min(self.seeds, default=-1) >= 0 and max(self.seeds) < 2**63
        unique = seeds_fit and len(set(self.seeds)) == len(self.seeds)
        require(unique, "seeds", "one or more different whole numbers from 0", self.seeds)
        require(len(self.arms) > 0, "arms", "at least one arm", "none")
        for name in self.arms:
            require(_is_folder_name(name), "arms", FOLDER_NAME, name)
            self._check_arm(name)
        if self.refine is not None:
            own = {name for name in self.arms if self._own_sparsity(name)}
            require(self.refine.like in own, "refine.like", f"one of {names(own)}", self.refine.like)

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
        for setting, may in (("sparsity", self._own_sparsity), ("scope", self._own_scope)):
            if not may(name):
                said = getattr(arm, setting)
                require(said is None, f"{where}.{setting}", f"none for method {arm.method!r}", said)
        if arm.source_step is not None:
            takes = f"none for method {arm.method!r}, which reads no weights"
            require(self.takes_weights(name), f"{where}.source_step", takes, arm.source_step)
        for step in ("source_step", "from_step"):
            if (at := getattr(arm, step)) is not None:
                kept = at >= 0 and self.measure.is_checkpoint(at)
                require(kept, f"{where}.{step}", "a step with a checkpoint", at)
        if arm.plateau is not None:
            expected = f"a multiple of measure.eval_every = {self.measure.eval_every}"
            looked_at = arm.plateau.window % self.measure.eval_every == 0
            require(looked_at, f"{where}.plateau.window", expected, arm.plateau.window)
        try:
            shapes = self.setting(name).shapes()
        except ConfigError as error:
            own = arm.task is not None or arm.model is not None
            raise ConfigError(f"{where}: {error}" if own else str(error)) from None
        without_biases = all(map(is_prunable, shapes)) or not arm.scored
        require(
            without_biases, f"{where}.form", "weights for a model with biases: scores prune all", arm.form
        )
        self.lineage(name)
        if arm.source is not None:
            self._check_fit(name, arm.source)

    def _check_fit(self, name: str, source: str) -> None:
        """That the source's layers are this arm's, or are copied to them."""
        arm, shapes, theirs = self.arms[name], self.setting(name).shapes(), self.setting(source).shapes()
        where = f"arms.{name}.layers"
        if arm.method != "elastic":
            require(arm.layers is None, where, f"none for method {arm.method!r}", arm.layers)
            require(shapes == theirs, f"arms.{name}.source", f"one with the shapes {shapes}", theirs)
            return
        layers = arm.layers or {}
        require(layers.keys() == shapes.keys(), where, f"a source for each of {names(shapes)}", dict(layers))
        for to, of in layers.items():
            require(of in theirs, f"{where}.{to}", f"one of {names(theirs)}", of)
            fits = f"a layer of shape {shapes[to]}"
            require(shapes[to] == theirs[of], f"{where}.{to}", fits, f"{of}, {theirs[of]}")

    def _own_sparsity(self, arm: str) -> bool:
        """Whether an arm may be told how far it is pruned."""
        own = self.arms[arm]
        return self._own_scope(arm) or (own.scored and own.form != "supermask")

    def _own_scope(self, arm: str) -> bool:
        """Whether an arm may be told what its method's scores compete over."""
        return self.arms[arm].method != "none" and not self.takes_mask(arm)

    def takes_weights(self, arm: str) -> bool:
        """Whether an arm's method reads its source's trained weights: a ticket."""
        method = self.arms[arm].method
        return method != "none" and METHODS[method].source == "weights"

    def takes_mask(self, arm: str) -> bool:
        """Whether an arm's method, or its norm-controlled start, reads its source's mask."""
        own = self.arms[arm]
        by_method = own.method != "none" and METHODS[own.method].source == "mask"
        return by_method or (own.method == "none" and STARTS[own.start].needs_mask)

    def setting(self, arm: str) -> Setting:
        """What an arm is trained on and by."""
        own = self.arms[arm]
        return Setting(
            own.task or self.task,
            own.model or self.model,
            own.optimizer or self.optimizer,
            self.measure.threshold,
        )

    def lineage(self, arm: str) -> list[str]:
        """The arm and those it needs first, in the order in which they are needed: its source, …, itself."""
        chain = [arm]
        while (source := self.arms[chain[0]].source) is not None:
            if source in chain:
                raise ConfigError(f"arms.{arm}.source: {' → '.join([source, *chain])} is a circle")
            chain.insert(0, source)
        return chain

    def sparsity(self, arm: str) -> float:
        """The sparsity that this arm is pruned to: 0 if dense, the source's if its mask is a source's.

        An elastic arm's may differ from its source's, as layers are copied or left out.
        """
        own = self.arms[arm]
        if not own.prunes:
            return 0.0
        if own.method != "none" and self.takes_mask(arm):
            assert own.source is not None
            return self.sparsity(own.source)
        return self.pruning.sparsity if own.sparsity is None else own.sparsity

    def scope(self, arm: str) -> Literal["global", "layer"]:
        """What the scores of an arm's method compete over: all weights, or those of each matrix."""
        return self.arms[arm].scope or self.pruning.scope

    def role(self, arm: str) -> Role:
        """Return an arm's role: `dense`, `ticket`, `control` or `variant`."""
        return role_of(self.arms[arm])

    def arm_config(self, arm: str, seed: int) -> dict[str, Any]:
        """All that decides the bytes of one arm: what its DONE records and its hash covers."""
        resolved = {}
        for name in self.lineage(arm):
            setting = self.setting(name)
            own: dict[str, Any] = {"task": to_dict(setting.task), "model": to_dict(setting.model)}
            own["optimizer"] = to_dict(setting.optimizer)
            own["sparsity"] = self.sparsity(name) if self._own_sparsity(name) else None
            own["scope"] = self.scope(name) if self._own_scope(name) else None
            resolved[name] = to_dict(self.arms[name]) | own
            resolved[name].pop("role", None)  # a word for readers: no result depends on it
        config: dict[str, Any] = {
            "arm": arm,
            "seed": seed,
            "measure": to_dict(self.measure),
            "arms": resolved,
        }
        if any(self.arms[name].prunes for name in resolved):
            config["pruning"] = to_dict(self.pruning)
            for key in ("sparsity", "scope"):  # every arm's own stands above
                del config["pruning"][key]
        return config


def recipe_from_dict(content: Mapping[str, Any]) -> Recipe:
    """A recipe from nested plain values, as in a run's config.json.

    Raises
    ------
    ConfigError
        In one line that names the field, what was expected and what came.
    """
    base = {kind: content.get(kind, {}) for kind in KINDS}
    built: dict[str, Any] = {kind: _choose(kind, base[kind], kind) for kind in KINDS}
    built["optimizer"] = build(Optimizer, content.get("optimizer", {}), "optimizer")
    arms = content.get("arms", {})
    if isinstance(arms, Mapping):
        own = {
            name: {**arm, **_own_settings(arm, content, f"arms.{name}")} if isinstance(arm, Mapping) else arm
            for name, arm in arms.items()
        }
        built["arms"] = own
    return build(Recipe, dict(content) | built)


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What `Recipe.arm_config` gave in its time, with the fields that have come since at their defaults.

    Raises
    ------
    ConfigError
        If it names what is no longer there, or is no such config.
    """
    parts = {key: config[key] for key in ("measure", "pruning", "arms") if key in config}
    recipe = recipe_from_dict({"name": "recorded", **parts})
    require(config.get("arm") in recipe.arms, "arm", f"one of {names(recipe.arms)}", config.get("arm"))
    return recipe.arm_config(config["arm"], config.get("seed", -1))


KINDS: dict[str, tuple[Mapping[str, Any], str]] = {
    "task": (TASKS, "add"),
    "model": (MODEL_CONFIGS, "embed_mlp"),
}
"""Settings that are of several classes, which `name` chooses among; and the name by default."""


def _choose(kind: str, content: Any, where: str) -> Any:
    """The settings of the kind that `name` says."""
    return build(_class_of(kind, content, where), content, where)


def _class_of(kind: str, content: Any, where: str) -> Any:
    options, default = KINDS[kind]
    name = content.get("name", default) if isinstance(content, Mapping) else default
    require(name in options, f"{where}.name", f"one of {names(options)}", name)
    return options[name]


def _own_settings(arm: Mapping[str, Any], content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """An arm's own task, model and optimizer, completed by the recipe's where they are of the same kind."""
    own: dict[str, Any] = {}
    for kind in ("task", "model", "optimizer"):
        said, base = arm.get(kind), content.get(kind, {})
        if not isinstance(said, Mapping):
            continue
        complete = {**base, **said}
        if kind == "optimizer":
            own[kind] = build(Optimizer, complete, f"{where}.{kind}")
            continue
        same = _class_of(kind, complete, f"{where}.{kind}") is _class_of(kind, base, kind)
        own[kind] = _choose(kind, complete if same else said, f"{where}.{kind}")
    return own


FOLDER_NAME = "a name of letters, digits, '-', '_' and '.'"


def _is_folder_name(name: str) -> bool:
    return bool(name) and name[0] != "." and all(c.isalnum() or c in "-_." for c in name)
