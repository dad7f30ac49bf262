"""Arms of unlike settings in slots, and each alone under torch's optimizer."""

from dataclasses import dataclass

import pytest
import torch

from training.optimization.optimizers import SGD, AdamW
from training.optimization.slots.slot_settings import SlotSettings

EMPTY = 3
"""Slot without an arm, where there are so many."""
UNLIKE = (
    ({"lr": 1e-2, "weight_decay": 0.7, "betas": (0.9, 0.98)}, 0),
    ({"lr": 3e-3, "weight_decay": 0.0, "betas": (0.8, 0.999), "eps": 1e-6, "warmup_steps": 30}, 0),
    ({"lr": 2e-2, "weight_decay": 2.0, "betas": (0.0, 0.95), "warmup_steps": 20}, 12),
    ({"lr": 1e-3}, 7),
    ({"lr": 5e-3, "weight_decay": 0.1, "betas": (0.95, 0.5)}, 4000),
)
"""Settings and age of each slot."""


@dataclass
class SlotArms:
    """Stacked arms, their settings, and gradients of every step."""

    optimizers: list
    ages: list
    settings: SlotSettings
    w: torch.Tensor
    mask: torch.Tensor
    state: dict
    gradients: torch.Tensor

    def __post_init__(self):
        self.before = [t.clone() for t in self.tensors()]

    def tensors(self):
        return [self.w, *(t for tensors in self.state.values() for t in tensors)]

    def filled(self):
        return [slot for slot in range(len(self.w)) if slot != EMPTY]

    def train(self, update):
        """Take every step by an update of all slots."""
        for g in self.gradients:
            update([g.clone()])
            self.settings.advance()

    def alone(self, slot):
        """Return an arm's trained weights and state under torch's optimizer in float64."""
        optimizer, start = self.optimizers[slot], [t[slot].double().cpu() for t in self.before]
        parameter = torch.nn.Parameter(start[0].clone())
        oracle = optimizer.torch_optimizer([parameter])
        names = ["exp_avg", "exp_avg_sq"][: len(start) - 1]  # torch's SGD without momentum has no state
        if names:
            oracle.state[parameter] = {"step": torch.tensor(float(self.ages[slot]))} | {
                name: t.clone() for name, t in zip(names, start[1:], strict=True)
            }
        for step, g in enumerate(self.gradients, start=self.ages[slot]):
            oracle.param_groups[0]["lr"] = optimizer.lr_at(step)
            parameter.grad = (g[slot] * self.mask[slot]).double().cpu()
            oracle.step()
        return [parameter.detach(), *(oracle.state[parameter][name] for name in names)]


@pytest.fixture
def slot_arms():
    """Return a function that makes arms in slots, at unlike ages and with unlike masks."""

    def make(dtype, name="adamw", n_slots=5, n_weights=61, n_steps=50, device="cpu"):
        rng = torch.Generator().manual_seed(n_slots * n_weights)
        cls = {"adamw": AdamW, "sgd": SGD}[name]
        optimizers = [cls(**settings) for settings, _ in UNLIKE[:n_slots]]
        ages = [age for _, age in UNLIKE[:n_slots]]
        settings = SlotSettings(n_slots, device)
        for slot, (optimizer, age) in enumerate(zip(optimizers, ages, strict=True)):
            if slot != EMPTY:
                settings.fill(slot, optimizer, age)

        def drawn(*shape):
            return torch.randn(*shape, generator=rng, dtype=torch.float64)

        mask = (drawn(n_slots, n_weights) < 0.3).double()
        mask[0] = 1.0
        w, m, v = (drawn(n_slots, n_weights) * mask for _ in range(3))
        started = torch.tensor(ages)[:, None] > 0
        state = {"mean": m * started, "square": (v * started) ** 2} if name == "adamw" else {}
        place = {"dtype": dtype, "device": device}
        return SlotArms(
            optimizers=optimizers,
            ages=ages,
            settings=settings,
            w=w.to(**place),
            mask=mask.to(**place),
            state={key: [t.to(**place)] for key, t in state.items()},
            gradients=drawn(n_steps, n_slots, n_weights).to(**place),
        )

    return make
