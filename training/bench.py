"""`python -m training.bench`: the engine against the network as the paper writes it, and against its floor.

All are timed in one process on one thread, in turn, round by round; every figure is a median over rounds.
- engine: training steps with the evaluation of the recipe's schedule among them
- as written: one forward and backward of `AsWritten` with autograd, a float64 loss, `torch.optim.AdamW`,
  and, as the paper's code does, losses and accuracies of both splits at every step
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

    from training.as_written import AsWritten

    network = AsWritten({name: w[0].cpu() for name, w in engine.weights.items()}).to(engine.device)
    opt = recipe.optimizer
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=opt.lr, weight_decay=opt.weight_decay, betas=opt.betas, eps=opt.eps
    )
    inputs = torch.as_tensor(engine.data.inputs, device=engine.device)
    labels = torch.as_tensor(engine.data.labels, device=engine.device)
    n = engine.data.n_train

    def loss_and_accuracy(part: slice) -> torch.Tensor:
        logits = network(inputs[part])
        if evaluate:
            (logits.argmax(-1) == labels[part]).double().mean().item()
        return cross_entropy(logits.double(), labels[part])

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
    """The nine matrix products of the folded step and its update, on buffers of the engine's own sizes."""
    import torch

    r, n = engine.weights_rw.shape[0], engine.data.n_train
    W_E, W_in, W_out, W_U = engine.weights.values()
    p, m = W_E.shape[1], W_in.shape[2]
    table, output, hidden, logits = (
        torch.rand(r, *shape, device=engine.device) for shape in ((p, m), (m, p), (n, m), (n, p))
    )
    products = [(W_E, W_in), (W_out, W_U), (hidden, output), (hidden.mT, logits), (logits, output.mT)]
    products += [(table, W_in.mT), (W_E.mT, table), (output, W_U.mT), (W_out.mT, output)]
    results = [torch.bmm(a, b) for a, b in products]
    weight = torch.nn.Parameter(engine.weights_rw.clone())
    weight.grad = torch.rand_like(weight)
    update = torch.optim.AdamW([weight], fused=True)

    def step() -> None:
        for (a, b), result in zip(products, results, strict=True):
            torch.bmm(a, b, out=result)
        update.step()

    return torch.no_grad()(step)


if __name__ == "__main__":
    sys.exit(main())
