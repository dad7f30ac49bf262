"""Gradient of a network's training loss, in float64.

It is computed as the engine computes it, and returned as NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from training.config.settings import Setting

Arrays = Mapping[str, np.ndarray]


def training_gradient(setting: Setting) -> Callable[[Arrays], dict[str, np.ndarray]]:
    """Return a function from weights to their training gradient.

    The gradient is that of one network's mean training loss, by weight name. Buffers are made once; the
    arrays that the function returns are the caller's.
    """
    import torch

    from training.models.network import StackedProblem
    from training.tasks.losses import loss_of

    data, shapes = setting.examples(), setting.shapes()
    device, dtype = torch.device("cpu"), torch.double
    loss = loss_of(data, 1, device, dtype)
    problem = StackedProblem(shapes=shapes, data=data, loss=loss, n_arms=1, device=device, dtype=dtype)
    network = setting.model.implementation().network(problem)

    def gradient(weights: Arrays) -> dict[str, np.ndarray]:
        stacked = {name: torch.tensor(weights[name], dtype=dtype)[None] for name in shapes}
        grads = {name: torch.empty_like(w) for name, w in stacked.items()}
        network.gradient(stacked, grads)
        return {name: grad[0].numpy() for name, grad in grads.items()}

    return gradient
