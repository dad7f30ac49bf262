"""Command `python -m training.bench`: the engine's speed.

The engine is compared with the network as research code writes it, and with its floor. The baseline is this
project's own `as_written` of each model, layer by layer under autograd, not the papers' code. One row per
recipe. All of a row is timed in one process on one thread, in turn, round by round; every figure is a median
over rounds.
- engine: training steps with the evaluation of the recipe's schedule among them
- as written: one forward and backward of `as_written`, torch's optimizer, and, as the papers' code does,
  losses and accuracies of both splits at every step
- floor: the matrix products of the engine's step, recorded from one, and the fused update, on buffers
  of the same sizes, and nothing else

The ratio of both is given three times, since the engine is faster and is evaluated less often:
- as used: as written / engine
- equal evaluations: both evaluated by the recipe's schedule; as written costs a step alone and its share of
  an evaluation
- no evaluation: the steps alone
All start from the same network, trained for a thousand steps: most of a training is spent memorized.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, format_table, run_command

if TYPE_CHECKING:
    from torch import Tensor

    from training.config.recipe import Recipe
    from training.optimization.engine import Engine
    from training.tasks.dataset import Dataset

RECIPES = (
    "modadd_ticket",
    "m_parity",
    "m_polynomial",
    "m_images",
    "m_transformer",
    "n_mainline",
    "h_standard",
    "h_embedding",
)
"""Every model, in the sizes that the papers train."""
WARM_UP_STEPS = 1000
PRINTED = (
    "recipe",
    "as written",
    "engine",
    "as used",
    "equal evaluations",
    "no evaluation",
    "engine / floor",
)
"""Columns of the printed table; the JSON has all."""


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, print."""
    p = Parser(
        prog="python -m training.bench",
        description="Milliseconds per step of the engine, of the network as written, and of the floor.",
    )
    p.add_argument(
        "--recipe",
        nargs="+",
        default=list(RECIPES),
        metavar="RECIPE",
        help="whose task, model, optimizer (the first arm's) and schedule to time",
    )
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--arms", type=int, default=1, help="arms stacked in the engine; figures are per arm")
    p.add_argument("--rounds", type=int, default=9, help="rounds of which the median is taken")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    args = p.parse_args(argv)
    return run_command(lambda: _bench(args), args.plugins)


def _bench(args: argparse.Namespace) -> int:
    import torch

    from training.config.recipe_files import read_recipe
    from training.execution.identity.device import prepare_process, resolve_device
    from training.schema.validation import require

    require(args.arms >= 1, "--arms", "a whole number from 1", args.arms)
    require(args.rounds >= 1, "--rounds", "a whole number from 1", args.rounds)
    recipes = [read_recipe(name)[0] for name in args.recipe]
    prepare_process()
    device = resolve_device(args.device)
    rows = [measure(recipe, device, args.arms, args.rounds) for recipe in recipes]
    if args.json:
        name = torch.cuda.get_device_name() if device.startswith("cuda") else device
        about = {"device": name, "threads": torch.get_num_threads(), "arms": args.arms}
        print(json.dumps(about | {"rows": rows}, indent=2))
    else:
        print(
            "Milliseconds per step, and how many times as fast the engine is as the same network written\n"
            "layer by layer in this project (not the papers' code): as used (as written evaluates at every\n"
            "step, the engine by the recipe's schedule), with equal evaluations, and without any."
        )
        print(format_table([{name: row[name] for name in PRINTED} for row in rows]))
    return 0


def measure(recipe: Recipe, device: str, n_arms: int, rounds: int) -> dict[str, Any]:
    """Return milliseconds per step and arm, and their ratios."""
    from training.optimization.engine import Engine

    setting = recipe.setting(next(iter(recipe.arms)))
    starts = [setting.initial_weights(seed) for seed in range(n_arms)]
    engine = Engine(setting.model, setting.optimizer, setting.examples(), starts, [None] * n_arms, device)
    engine.run(WARM_UP_STEPS)
    steps_between = recipe.measure.eval_every

    def engine_with_evaluation() -> None:
        for _ in range(5):
            engine.run(steps_between)
            engine.evaluate()

    contestants: dict[str, tuple[Callable[[], object], int, int]] = {
        "engine": (engine_with_evaluation, 1, 5 * steps_between * n_arms),
        "as written": (_as_written(engine, setting.task.build(), evaluate=True), 10, 1),
        "engine, step alone": (lambda: engine.run(50), 1, 50 * n_arms),
        "as written, step alone": (_as_written(engine, setting.task.build(), evaluate=False), 10, 1),
        "floor": (_floor(engine), 10, n_arms),
    }
    """Call, calls per round and steps per call, by name."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name, (call, calls, steps) in contestants.items():
            took = _time(call, calls, device) / (calls * steps)
            if round_ > 0:  # the first round warms caches and allocators
                seconds[name].append(took)
    ms = {name: 1e3 * statistics.median(values) for name, values in seconds.items()}
    alone = ms["as written, step alone"]
    by_schedule = alone + (ms["as written"] - alone) / steps_between
    return {
        "recipe": recipe.name,
        "model": setting.model.name,
        "as written": ms["as written"],
        "engine": ms["engine"],
        "floor": ms["floor"],
        "as used": ms["as written"] / ms["engine"],
        "equal evaluations": by_schedule / ms["engine"],
        "no evaluation": alone / ms["engine, step alone"],
        "engine / floor": ms["engine"] / ms["floor"],
    }


def _time(call: Callable[[], object], calls: int, device: str) -> float:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(calls):
        call()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _as_written(engine: Engine, data: Dataset, evaluate: bool) -> Callable[[], None]:
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


def _floor(engine: Engine) -> Callable[[], None]:
    """Return the floor: a step's matrix products and its update.

    Buffers have the sizes of the engine's.
    """
    import torch

    products = matrix_products(lambda: engine.network.gradient(engine.weights, engine.grads))
    weight = torch.nn.Parameter(engine.weights_rw.clone())
    weight.grad = torch.rand_like(weight)
    update = engine.optimizers[0].torch_optimizer([weight], fused=True)

    def step() -> None:
        for multiply in products:
            multiply()
        update.step()

    return torch.no_grad()(step)


def matrix_products(call: Callable[[], object]) -> list[Callable[[], Tensor]]:
    """Return a call's matrix products, to be repeated.

    Each repeats one product on its operands.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    plain = {torch.ops.aten.mm: torch.mm, torch.ops.aten.bmm: torch.bmm}
    products: list[Callable[[], Tensor]] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if (multiply := plain.get(function.overloadpacket)) is not None:
                products.append(partial(multiply, *args, out=torch.empty_like(result)))
            elif "linear_pointwise" in str(function):  # oneDNN's, which has no place for a result
                products.append(partial(function, *args))
            return result

    with Watch(), torch.no_grad():
        call()
    return products
