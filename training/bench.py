"""`python -m training.bench`: the engine against the network as the paper writes it, and against its floor.

All are timed in one process on one thread, in turn, round by round; every figure is a median over rounds.
- engine: training steps with the evaluation of the recipe's schedule among them
- as written: one forward and backward of `AsWritten`, or of TransformerLens' HookedTransformer, with
  autograd, a float64 loss, `torch.optim.AdamW`, and, as the paper's code does, losses and accuracies of both
  splits at every step
- step alone: both of them without any evaluation
- floor: the matrix products of the folded step and the fused AdamW update, and nothing else
All start from the same memorised network, where training spends its life.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from training.command import Parser, format_table, run_command

if TYPE_CHECKING:
    from training.config import Recipe
    from training.engine import Engine

WARM_UP_STEPS = 1000


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, print."""
    p = Parser(
        prog="python -m training.bench",
        description="Steps per second of the engine, of the network as written, and of the floor.",
    )
    p.add_argument(
        "--recipe", default="modadd_ticket", help="whose task, model, optimizer and schedule to time"
    )
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--arms", type=int, default=1, help="arms stacked in the engine; figures are per arm")
    p.add_argument("--rounds", type=int, default=9, help="rounds of which the median is taken")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    args = p.parse_args(argv)
    return run_command(lambda: _bench(args))


def _bench(args: argparse.Namespace) -> int:
    from training.fields import require
    from training.launch import prepare_process, resolve_device
    from training.recipe_files import read_recipe

    require(args.arms >= 1, "--arms", "a whole number from 1", args.arms)
    require(args.rounds >= 1, "--rounds", "a whole number from 1", args.rounds)
    recipe, _ = read_recipe(args.recipe)
    prepare_process()
    result = measure(recipe, resolve_device(args.device), args.arms, args.rounds)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print(format_table(result["timings"]))
        for name, ratio in result["ratios"].items():
            print(f"{name}: {ratio:.2f}")
    return 0


def measure(recipe: Recipe, device: str, n_arms: int, rounds: int) -> dict[str, Any]:
    """Seconds per step and arm of each contestant, and the ratios that matter."""
    import torch

    from training.engine import Engine, start

    data = recipe.task.build()
    starts = [start(recipe.setting(next(iter(recipe.arms))), seed) for seed in range(n_arms)]
    engine = Engine(recipe.model.name, recipe.optimizer, data, starts, [None] * n_arms, device)
    engine.run(WARM_UP_STEPS)
    every = recipe.measure.eval_every

    def engine_with_evaluation() -> None:
        for _ in range(5):
            engine.run(every)
            engine.evaluate()

    contestants: dict[str, tuple[Callable[[], object], int]] = {
        "engine": (engine_with_evaluation, 5 * every * n_arms),
        "as written": (_as_written(recipe, engine, evaluate=True), 1),
        "engine, step alone": (lambda: engine.run(50), 50 * n_arms),
        "as written, step alone": (_as_written(recipe, engine, evaluate=False), 1),
        "floor": (_floor(engine), n_arms),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name, (call, steps) in contestants.items():
            calls = 1 if name.startswith("engine") else 10
            took = _time(call, calls, device) / (calls * steps)
            if round_ > 0:  # the first round warms caches and allocators
                seconds[name].append(took)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "recipe": recipe.name,
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else device,
        "threads": torch.get_num_threads(),
        "arms": n_arms,
        "timings": [
            {"what": name, "ms per step": 1e3 * s, "steps per second": round(1 / s)}
            for name, s in median.items()
        ],
        "ratios": {
            "as written / engine": median["as written"] / median["engine"],
            "as written / engine, step alone": median["as written, step alone"]
            / median["engine, step alone"],
            "engine / floor": median["engine"] / median["floor"],
        },
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


def _as_written(recipe: Recipe, engine: Engine, evaluate: bool) -> Callable[[], None]:
    import torch
    from torch.nn.functional import cross_entropy

    from training.architectures import Transformer
    from training.as_written import AsWritten
    from training.models.hooked_transformer import hooked_transformer, pair_logits

    weights = {name: w[0].clone() for name, w in engine.weights.items()}
    if isinstance(recipe.model, Transformer):
        hooked = hooked_transformer(recipe.model, recipe.task.n_outputs, weights, device=engine.device)
        parameters = hooked.parameters()

        def logits(pairs: torch.Tensor) -> torch.Tensor:
            return pair_logits(hooked, pairs)
    else:
        plain = AsWritten(weights)
        parameters, logits = plain.parameters(), plain.forward
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    opt = recipe.optimizer
    optimizer = torch.optim.AdamW(
        trained, lr=opt.lr, weight_decay=opt.weight_decay, betas=opt.betas, eps=opt.eps
    )
    inputs = torch.as_tensor(engine.data.inputs, device=engine.device)
    labels = torch.as_tensor(engine.data.labels, device=engine.device)
    n = engine.data.n_train

    def loss_and_accuracy(part: slice) -> torch.Tensor:
        outputs = logits(inputs[part])
        if evaluate:
            (outputs.argmax(-1) == labels[part]).double().mean().item()
        return cross_entropy(outputs.double(), labels[part])

    def step() -> None:
        loss = loss_and_accuracy(slice(None, n))
        if evaluate:
            loss_and_accuracy(slice(n, None)).item()
            loss.item()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _floor(engine: Engine) -> Callable[[], None]:
    """The matrix products of the folded step and its update, on matrices of the engine's own sizes."""
    import torch

    from training.models.products import product

    products: list[Callable[[], torch.Tensor]] = []
    for matrices, rows, terms, columns in _sizes_of_products(engine):
        a, b = (
            torch.rand(engine.weights_rw.shape[0] * matrices, *shape, device=engine.device)
            for shape in ((rows, terms), (terms, columns))
        )
        in_place = partial(torch.bmm, a, b, out=torch.bmm(a, b))
        # As the networks do it: the transformer's large matrices are not torch.bmm's.
        products.append(partial(product, a, b) if engine.model == "transformer" else in_place)
    weight = torch.nn.Parameter(engine.weights_rw.clone())
    weight.grad = torch.rand_like(weight)
    update = torch.optim.AdamW([weight], fused=True)

    def step() -> None:
        for multiply in products:
            multiply()
        update.step()

    return torch.no_grad()(step)


def _sizes_of_products(engine: Engine) -> list[tuple[int, int, int, int]]:
    """(matrices per arm, rows, terms, columns) of every product, those of the gradient among them."""
    from training.models.transformer import W_IN, W_Q, W_U, Places

    shapes, n = engine.shapes, engine.data.n_train
    if engine.model != "transformer":
        (p, d), (m, n_classes) = shapes["W_E"], (shapes["W_in"][1], shapes["W_U"][1])
        return 3 * [(1, p, d, m), (1, m, d, n_classes), (1, n, m, n_classes)]
    places = Places(shapes, engine.device, engine.weights_rw.dtype)
    (h, d, k), m, p = shapes[W_Q], shapes[W_IN][1], shapes[W_U][1]
    s, n_last = places.n, places.n_last
    attention = [(h, n_last, d, k), (h, s, d, k), (h, s, d, k), (h, n_last, k, s), (h, s, k, d)]
    reads = [(1, m, d, p), (1, h * s + n_last, d, m + p), (1, n, m, p)]
    return 3 * (attention + reads) + [(1, n, m + p, d)]


if __name__ == "__main__":
    sys.exit(main())
