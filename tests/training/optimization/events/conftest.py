"""Engines of arms with events, without a run."""

import pytest

from interp.masks.topk import keep_top
from training.config.build_recipe import recipe_from_dict
from training.config.checks.event_checks import event_target
from training.optimization.engine import Engine
from training.optimization.events.base import ArmInputs
from training.optimization.events.slot_events import SlotEvents
from training.optimization.optimizers import AdamW
from training.optimization.parametrizations.registry import ParametrizationSettings

P = 11


class GivenInputs(ArmInputs):
    """Inputs of an event that a test gives."""

    def __init__(self, target, own_mask=None, masks=None, weights=None):
        self.target, self.own_mask, self.masks, self.others = target, own_mask, masks or {}, weights or {}

    def mask(self, arm):
        return self.masks[arm]

    seed = 0

    def weights(self, arm, step=None):
        return self.others[arm]

    def pruned(self, method, weights, sparsity, scope):
        return {name: keep_top(abs(w).ravel(), 1 - sparsity).reshape(w.shape) for name, w in weights.items()}


class Bench:
    """A tiny network on residues mod 11, in engines of arms with and without events."""

    def __init__(self, **model):
        content = {
            "name": "tiny",
            "task": {"p": P},
            "model": {k: v for k, v in ({"name": "embed_mlp", "d_emb": 8, "d_mlp": 12} | model).items() if v},
            "arms": {"dense": {}},
        }
        self.recipe = recipe_from_dict(content)
        self.setting = self.recipe.setting("dense")
        self.target = event_target(self.recipe, "dense")

    def engine(self, *events_of_arms, optimizer=None, masks=None, form="weights", masks_of=None, **inputs):
        """Return an engine with an arm per list of events; arm i starts from seed i."""
        n = len(events_of_arms)
        optimizers = optimizer if isinstance(optimizer, list) else [optimizer or AdamW(lr=0.01)] * n
        engine = Engine(
            self.setting.model,
            optimizers,
            self.setting.examples(),
            [self.setting.initial_weights(seed) for seed in range(n)],
            masks or [None] * n,
            parametrization=ParametrizationSettings(name=form, seeds=range(n), densities=[0.5] * n),
        )
        for slot, events in enumerate(events_of_arms):
            self.put(engine, slot, events, optimizers[slot], masks=masks_of, **inputs)
        return engine

    def put(self, engine, slot, events, optimizer, **inputs):
        if events:
            given = GivenInputs(self.target, **inputs)
            engine.put_events(slot, SlotEvents(tuple(events), optimizer, given, {}))

    def weights(self, engine, slot=0):
        engine.evaluate()
        return engine.arm_weights(slot)


@pytest.fixture
def bench():
    """Return the class of `tiny`, which takes settings of the model."""
    return Bench


@pytest.fixture
def inputs_of():
    """Return the class of what a test gives an event to read."""
    return GivenInputs


@pytest.fixture
def tiny():
    return Bench()
