"""Checks of a recipe: its names, its seeds, and every arm against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.config.checks.event_checks import check_event_circles, check_events
from training.models.weight_names import is_prunable
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema.plain_content import shortened, shown
from training.schema.validation import FILE_NAME, ConfigError, is_file_name, names, require

if TYPE_CHECKING:
    from training.config.arm import Arm
    from training.config.recipe import Recipe


def check_recipe(recipe: Recipe) -> None:
    """Raise a `ConfigError` about the first field that cannot be."""
    require(is_file_name(recipe.name), "name", FILE_NAME, recipe.name)
    in_range = min(recipe.seeds, default=-1) >= 0 and max(recipe.seeds) < 2**63
    different = in_range and len(set(recipe.seeds)) == len(recipe.seeds)
    require(different, "seeds", "one or more different whole numbers from 0", recipe.seeds)
    require(len(recipe.arms) > 0, "arms", "at least one arm", "none")
    _check_circles(recipe)
    check_event_circles(recipe)
    for name in recipe.arms:
        require(is_file_name(name), "arms", FILE_NAME, name)
        _check_arm(recipe, name)
    if recipe.refine is not None:
        searched = {name for name, arm in recipe.arms.items() if arm.takes_sparsity}
        like = recipe.refine.like
        require(like in searched, "refine.like", f"one of {names(searched)}", like)


def _check_circles(recipe: Recipe) -> None:
    """Check that every arm's sources end in an arm without one."""
    without_circle: set[str] = set()
    for name in recipe.arms:
        chain: dict[str, None] = {}
        node: str | None = name
        while node is not None and node in recipe.arms and node not in without_circle:
            if node in chain:
                circle = [*list(chain)[list(chain).index(node) :], node]
                raise ConfigError(
                    f"arms.{name}.source: {shortened(' → '.join(reversed(circle)), 500)} is a circle; "
                    "expected sources that end in an arm without one"
                )
            chain[node] = None
            node = recipe.arms[node].source
        without_circle.update(chain)


def _check_arm(recipe: Recipe, name: str) -> None:
    arm, where = recipe.arms[name], f"arms.{name}"
    _check_fields(arm, where)
    _check_source(recipe, name)
    _check_steps(recipe, name)
    _check_network(recipe, name)
    _check_moments(recipe, name)
    check_events(recipe, name)
    if arm.source is not None:
        _check_layers(recipe, name, arm.source)


def _check_fields(arm: Arm, where: str) -> None:
    """Check an arm's method, start and parametrization against each other."""
    is_method = not arm.has_method or arm.method in METHODS
    require(is_method, f"{where}.method", f"none or one of {names(METHODS)}", arm.method)
    require(arm.start in STARTS, f"{where}.start", f"one of {names(STARTS)}", arm.start)
    one_mask = not (arm.has_method and arm.trains_scores)
    require(one_mask, f"{where}.method", f"none for {arm.form}", arm.method)
    may_train_weights = arm.trains_scores or not arm.train_weights
    require(may_train_weights, f"{where}.train_weights", f"false for {arm.form}", True)
    for setting, is_taken in (("sparsity", arm.takes_sparsity), ("scope", arm.takes_scope)):
        value = getattr(arm, setting)
        require(is_taken or value is None, f"{where}.{setting}", f"none for method {arm.method!r}", value)


def _check_source(recipe: Recipe, name: str) -> None:
    """Check that an arm's source has what the arm reads."""
    arm, where = recipe.arms[name], f"arms.{name}"
    if arm.reads_mask or arm.reads_weights or arm.from_step is not None:
        source = recipe.arms.get(arm.source) if arm.source is not None else None
        if source is None or arm.source == name or not (source.prunes or not arm.reads_mask):
            fitting = {other for other, its in recipe.arms.items() if its.prunes or not arm.reads_mask}
            raise ConfigError(
                f"{where}.source: expected one of {names(fitting - {name})}, got {shown(arm.source)}"
            )
    else:
        require(arm.source is None, f"{where}.source", f"none for method {arm.method!r}", arm.source)
    if arm.source_step is not None:
        expected = f"none for method {arm.method!r}, which reads no weights"
        require(arm.reads_weights, f"{where}.source_step", expected, arm.source_step)


def _check_steps(recipe: Recipe, name: str) -> None:
    """Check that an arm's steps are evaluated or saved ones."""
    arm, where, measure = recipe.arms[name], f"arms.{name}", recipe.measure
    for field in ("source_step", "from_step"):
        step = getattr(arm, field)
        if step is not None:
            read = arm.source if field == "source_step" else recipe.first_of_lineage(name)
            is_saved = step >= 0 and recipe.is_checkpoint(str(read), step)
            require(is_saved, f"{where}.{field}", "a step with a checkpoint", step)
    if arm.checkpoints is not None:
        measure.check_grids(f"{where}.checkpoints", arm.checkpoints)
    if arm.plateau is not None:
        window = arm.plateau.window
        expected = f"a multiple of measure.eval_every = {measure.eval_every}"
        require(window % measure.eval_every == 0, f"{where}.plateau.window", expected, window)


def _check_moments(recipe: Recipe, name: str) -> None:
    """Check that an arm that keeps an optimizer's moments trains on what they are of."""
    arm, where = recipe.arms[name], f"arms.{name}.moments"
    if arm.moments == "zero":
        return
    require(arm.from_step is not None, where, "zero without from_step", arm.moments)
    first = recipe.first_of_lineage(name)
    own, before = recipe.setting(name).optimizer, recipe.setting(first).optimizer
    alike = {
        "start": arm.start == "rewind",
        "form": arm.form == recipe.arms[first].form == "weights",
        "layers": arm.layers is None,
        "optimizer.name": own.state_names == before.state_names,
    }
    for field, is_alike in alike.items():
        expected = f"zero for weights or an optimizer that are not those of {first}: {field} differs"
        require(is_alike, where, expected, arm.moments)


def _check_network(recipe: Recipe, name: str) -> None:
    """Check an arm's task and model against each other and against its parametrization."""
    arm, where = recipe.arms[name], f"arms.{name}"
    try:
        shapes = recipe.setting(name).shapes()
    except ConfigError as error:
        is_of_arm = arm.task is not None or arm.model is not None
        raise ConfigError(f"{where}: {error}" if is_of_arm else str(error)) from None
    takes_biases = PARAMETRIZATIONS[arm.form].takes_biases or all(map(is_prunable, shapes))
    expected = "weights for a model with biases: scores prune all"
    require(takes_biases, f"{where}.form", expected, arm.form)


def _check_layers(recipe: Recipe, name: str, source: str) -> None:
    """Check an arm's layers against the source layers that they copy."""
    arm, shapes = recipe.arms[name], recipe.setting(name).shapes()
    source_shapes, where = recipe.setting(source).shapes(), f"arms.{name}.layers"
    if not arm.takes_layers:
        require(arm.layers is None, where, f"none for method {arm.method!r}", arm.layers)
        expected = f"one with the shapes {shapes}"
        require(shapes == source_shapes, f"arms.{name}.source", expected, source_shapes)
        return
    layers = arm.layers or {}
    expected = f"a source for each of {names(shapes)}"
    require(layers.keys() == shapes.keys(), where, expected, dict(layers))
    for layer, copied in layers.items():
        require(copied in source_shapes, f"{where}.{layer}", f"one of {names(source_shapes)}", copied)
        fits = shapes[layer] == source_shapes[copied]
        expected = f"a layer of shape {shapes[layer]}"
        require(fits, f"{where}.{layer}", expected, f"{copied}, {source_shapes[copied]}")
