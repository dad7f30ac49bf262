"""Contestants of the bench: the engine, and the network as written."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from training.bench.floor import floor
from training.bench.timing import Contestant

if TYPE_CHECKING:
    import torch

    from training.config.recipe import Recipe
    from training.config.settings import Setting
    from training.optimization.engine import Engine
    from training.tasks.dataset import Dataset

WARM_UP_STEPS = 1000
"""Steps before anything is timed: most of a training is spent memorized."""
WARM_UP_SECONDS = 1.0
"""Longest warm-up; a slow network makes fewer steps."""
STEPS_ALONE = 5
"""Steps of the engine in one call, without an evaluation."""


def new_engine(setting: Setting, device: str, n_arms: int) -> Engine:
    """Return an engine of dense networks, seeds 0 to n − 1."""
    from training.optimization.engine import Engine

    starts = [setting.initial_weights(seed) for seed in range(n_arms)]
    return Engine(setting.model, setting.optimizer, setting.examples(), starts, [None] * n_arms, device)


def warm_up(engine: Engine, steps: int, seconds: float) -> None:
    """Train for so many steps, or fewer if the time is up."""
    begun = time.perf_counter()
    while engine.step < steps and time.perf_counter() - begun < seconds:
        engine.run(min(STEPS_ALONE, steps - engine.step))


def first_setting(recipe: Recipe) -> Setting:
    """Return the setting of a recipe's first arm."""
    return recipe.setting(next(iter(recipe.arms)))


def contestants(recipe: Recipe, engine: Engine) -> dict[str, Contestant]:
    """Return the contestants of a recipe by name; a step is one of one arm."""
    n_arms = len(engine.weights_rw)
    steps_between = recipe.measure.eval_every
    data = first_setting(recipe).task.build()

    def engine_with_evaluation() -> None:
        engine.run(steps_between)
        engine.evaluate()

    return {
        "engine": Contestant(engine_with_evaluation, steps_between * n_arms),
        "as written": Contestant(as_written(engine, data, evaluate=True)),
        "engine, step alone": Contestant(lambda: engine.run(STEPS_ALONE), STEPS_ALONE * n_arms),
        "as written, step alone": Contestant(as_written(engine, data, evaluate=False)),
        "floor": Contestant(floor(engine), n_arms),
    }


def as_written(engine: Engine, data: Dataset, evaluate: bool) -> Callable[[], None]:
    """Return a step of the engine's first network as research code writes it."""
    import torch

    from training.tasks.losses import plain_loss

    device = engine.device
    weights = {name: w[0].clone() for name, w in engine.weights.items()}
    network = engine.model.implementation().as_written(weights).to(device)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = engine.optimizers[0].torch_optimizer(trained)
    inputs = torch.as_tensor(data.inputs, device=device)
    inputs = inputs.float() if inputs.is_floating_point() else inputs
    labels = None if data.labels is None else torch.as_tensor(data.labels, device=device)
    parts = [slice(data.n_train), slice(data.n_train, None)]
    losses = [plain_loss(data, part, device, engine.weights_rw.dtype) for part in parts]

    def loss_of(split: int) -> torch.Tensor:
        outputs = network(inputs[parts[split]])
        if evaluate and labels is not None:
            (outputs.argmax(-1) == labels[parts[split]]).double().mean().item()
        return losses[split](outputs)

    def step() -> None:
        loss = loss_of(0)
        if evaluate:
            if data.n_train < len(inputs):
                loss_of(1).item()
            loss.item()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
