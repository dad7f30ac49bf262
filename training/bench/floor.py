"""Floors of a training step: its matrix products, and its memory traffic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from training.optimization.engine import Engine

COPIED_BYTES = {"cpu": 2**26, "cuda": 2**30}
"""Bytes copied to measure a bandwidth: more than any cache holds."""


def floor(engine: Engine) -> Callable[[], None]:
    """Return the floor on a CPU: a step's matrix products and its update.

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


def step_bytes(n_weights: int, n_states: int) -> int:
    """Return the bytes that a step of one network cannot but move: those of its update.

    Activations are not counted: a kernel may keep them on the chip.

    Parameters
    ----------
    n_states : int
        The optimizer's states per weight.

    Examples
    --------
    >>> step_bytes(115_000, 2)
    3220000
    """
    return 4 * n_weights * (3 + 2 * n_states)


def copy_bandwidth(device: str, n_bytes: int | None = None, repeats: int = 5) -> float:
    """Return the bytes per second that a copy on a device reads and writes, the best of some."""
    import torch

    from training.bench.timing import timed

    n_bytes = COPIED_BYTES[device.partition(":")[0]] if n_bytes is None else n_bytes
    source = torch.ones(n_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = min(timed(lambda: target.copy_(source), 0.0, device) for _ in range(repeats))
    return 2 * n_bytes / seconds
