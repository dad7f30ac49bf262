"""Digest of the code that decides an arm's bytes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

from training.config.plugin_use import registered_names
from training.config.recipe import Recipe
from training.inspection.outcomes import UNKNOWN
from training.schema.code_digest import PLUGIN_FOLDERS, code_digest
from training.schema.definition_code import definition_of
from training.schema.plugins import plugin_of
from training.schema.registry import Registry

COMMON = (
    "training.execution.arms.arm_in_training",
    "training.execution.arms.slot_training",
    "training.execution.arms.sources.starting_point",
    "training.execution.arms.training_loop",
    "training.optimization.engine",
    "training.optimization.evaluation",
    "training.optimization.objective",
)
"""Modules that decide the bytes of every arm, with all that they import."""
NO_PART: Mapping[str, str] = {
    "interp.mechanism.effective_weights": "measures finished networks",
    "training.cli.parser": "declares the exception of a stop signal, and reads command lines",
    "training.config.arm_config": "makes the config, which has a hash of its own",
    "training.config.recipe": "resolves fields whose values are in the config's hash",
    "training.execution.identity.arm_code": "makes this digest",
    "training.execution.identity.device": "names the platform, which is recorded beside the code",
    "training.execution.arms.batches": "chooses which arms train side by side, which GPUs' arms record",
    "training.execution.arms.device_errors": "words errors",
    "training.execution.arms.jobs": "names arms and seeds, and lists finished ones of other runs",
    "training.execution.arms.added_checkpoints": "saves more weights of a finished arm",
    "training.execution.arms.replay": "compares an arm with this code",
    "training.inspection.file_checks": "compares files that are written",
    "training.models.hooked.modules": "is read with hooks, not trained",
    "training.models.pair_activations": "measures finished networks",
    "training.models.registry": "names every model; the arm's own is followed from its class",
    "training.models.transformer.hooked_transformer": "is read by benchmarks and hooks, not trained",
    "training.optimization.optimizers.registry": "names every optimizer; the arm's own is followed",
    "training.optimization.parametrizations.registry": "names all of them; the arm's own is followed",
    "training.pruning.registry": "names every method and start; the arm's own are followed",
    "training.runs.arm_directory": "names files, and gives back the arrays that were written",
    "training.runs.atomic_files": "moves bytes to the disk",
    "training.runs.run_directory": "names files and folders",
    "training.schema.descriptions": "reads docstrings for listings",
    "training.schema.validation": "refuses settings, and changes none",
    "training.tasks.registry": "names every task; the arm's own is followed from its class",
}
"""Modules that the modules of an arm import and that decide no byte of it, with the reason."""


def arm_code(recipe: Recipe, arm: str) -> str:
    """Return a digest of the code that decides an arm's bytes.

    It covers the modules of the arm's task, model, pruning method, start, parametrization, optimizer and
    events, those of its sources, and those of the training, with all modules of the project and of plug-ins
    that they import, but not `NO_PART`. Comments, docstrings and layout do not count. Of a plug-in's file,
    what defines the arm counts; a figure in it does not. Code of a notebook has no file and counts as
    unknown.

    Returns
    -------
    str
        16 hex digits.
    """
    used = {(registry.kind, name): registry for registry, name in registered_names(recipe, arm)}
    known = {key: registry for key, registry in sorted(used.items()) if key[1] in registry}
    entries = tuple(_Entry(kind, name, registry[name], registry) for (kind, name), registry in known.items())
    return _digest(entries, tuple(sorted(PLUGIN_FOLDERS.items())))


@dataclasses.dataclass(frozen=True)
class _Entry:
    """Registered object of an arm; equal if it is the same object under one name."""

    kind: str
    name: str
    value: Any = dataclasses.field(hash=False)
    registry: Registry = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=4096)
def _digest(entries: tuple[_Entry, ...], plugins: object) -> str:
    texts, modules, cut = [], list(COMMON), set(NO_PART)
    for entry in entries:
        texts.append(f"{entry.kind} {entry.name} {_declaration(entry.value)}")
        place = entry.registry.place(entry.name)
        if plugin_of(place.module) is None:
            modules += _defining_modules(entry.value)
            continue
        definition = definition_of(place)
        cut.add(place.module)  # of a plug-in's file, only the definition counts
        texts.append(UNKNOWN if definition is None else definition.text)
        modules += () if definition is None else definition.modules
    texts.append(code_digest([module for module in modules if module not in cut], cut=cut, packages=False))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _defining_modules(value: Any) -> list[str]:
    """Return the modules that define a registered class, or the functions of a declaration."""
    if isinstance(value, functools.partial):
        return _defining_modules(value.func)
    if isinstance(value, type) or not dataclasses.is_dataclass(value):
        return [value.__module__]
    modules = [type(value).__module__]
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        if callable(part):
            modules += _defining_modules(part)
        elif isinstance(part, str) and ":" in part:
            modules.append(part.partition(":")[0])
    return modules


def _declaration(value: Any) -> str:
    """Return the plain fields of a declaration, as text."""
    if isinstance(value, type) or not dataclasses.is_dataclass(value):
        return ""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return repr({name: part for name, part in fields.items() if isinstance(part, str | bool | int | None)})
