"""Registry of the parametrizations: `PARAMETRIZATIONS`, by the recipe's `form`.

Importable without torch and NumPy, so that a recipe is checked by what a parametrization declares.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from training.schema.registry import Registry
from training.schema.validation import check_instance

if TYPE_CHECKING:
    from training.optimization.parametrizations.base import Parametrization


@dataclass(frozen=True, kw_only=True)
class ParametrizationSpec:
    """Declaration of a parametrization: trained scores, settings it takes."""

    implementation: str
    """`"module:attribute"` of its `Parametrization`, imported when an arm is trained."""
    trains_scores: bool = False
    """Trained scores choose which weights are kept."""
    takes_sparsity: bool = False
    """An arm may set the share of weights that the scores prune."""
    takes_biases: bool = True
    """The model may have biases."""
    shares_data: bool = False
    """Arms of one batch have one data set."""
    is_variant: bool = False
    """In comparisons its arms are variants, not dense, tickets or controls."""

    def load(self) -> type[Parametrization]:
        """Return the class that trains; imports torch."""
        module, _, attribute = self.implementation.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True, kw_only=True)
class ParametrizationSettings:
    """Name of a parametrization, and settings of trained scores."""

    name: str = "weights"
    """A key of `PARAMETRIZATIONS`."""
    densities: Sequence[float] = ()
    """Share of each layer that the scores keep, one per arm; read where an arm takes a sparsity."""
    train_weights: bool = False
    """Train the kept weights along with the scores."""
    seeds: Sequence[int] = ()
    """Seed of the scores, one per arm."""


_FOLDER = "training.optimization.parametrizations"

PARAMETRIZATIONS: Registry[ParametrizationSpec] = Registry(
    "parametrization",
    {
        "weights": ParametrizationSpec(implementation=f"{_FOLDER}.trained_weights:TrainedWeights"),
        "tangent": ParametrizationSpec(
            implementation=f"{_FOLDER}.tangent:Tangent", shares_data=True, is_variant=True
        ),
        "edge_popup": ParametrizationSpec(
            implementation=f"{_FOLDER}.edge_popup:EdgePopup",
            trains_scores=True,
            takes_sparsity=True,
            takes_biases=False,
            is_variant=True,
        ),
        "biprop": ParametrizationSpec(
            implementation=f"{_FOLDER}.biprop:Biprop",
            trains_scores=True,
            takes_sparsity=True,
            takes_biases=False,
            is_variant=True,
        ),
        "supermask": ParametrizationSpec(
            implementation=f"{_FOLDER}.supermask:Supermask",
            trains_scores=True,
            takes_biases=False,
            is_variant=True,
        ),
    },
    check=partial(check_instance, cls=ParametrizationSpec),
)
