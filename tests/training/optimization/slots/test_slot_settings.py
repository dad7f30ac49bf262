"""Settings of slots: as each optimizer's own."""

import pytest
import torch

from training.optimization.optimizers import AdamW
from training.optimization.slots.slot_settings import SlotSettings


@pytest.mark.parametrize("warmup_steps", [0, 1, 7, 10])
def test_the_learning_rate_is_the_optimizers_at_every_age(warmup_steps):
    optimizer = AdamW(lr=3e-3, warmup_steps=warmup_steps)
    settings = SlotSettings(2)
    settings.fill(0, optimizer, 0)
    settings.fill(1, optimizer, 5)
    for step in range(15):
        assert settings.age.tolist() == [step, step + 5]
        assert settings.lr_now().tolist() == [optimizer.lr_at(step), optimizer.lr_at(step + 5)]
        settings.advance()


def test_the_bias_corrections_are_of_the_next_update():
    settings = SlotSettings(2)
    settings.fill(0, AdamW(betas=(0.9, 0.999)), 0)
    settings.fill(1, AdamW(betas=(0.0, 0.98)), 41)
    settings.advance()
    expected = torch.tensor([[1 - 0.9**2, 1.0], [1 - 0.999**2, 1 - 0.98**43]], dtype=torch.float64)
    torch.testing.assert_close(settings.bias_corrections(), expected, rtol=1e-13, atol=0)


def test_an_empty_slot_does_not_age_and_is_filled_again():
    settings = SlotSettings(3)
    settings.fill(1, AdamW(lr=0.5), 4)
    settings.advance()
    assert settings.age.tolist() == [0, 5, 0]
    assert settings.is_empty.tolist() == [True, False, True]
    settings.release(1)
    settings.advance()
    assert settings.age.tolist() == [0, 5, 0] and settings.lr_now().tolist() == [0, 0, 0]
    assert settings.is_empty.all() and not settings.live.any()
    settings.fill(1, AdamW(lr=0.25), 0)
    settings.advance()
    assert settings.age.tolist() == [0, 1, 0] and settings.lr_now().tolist() == [0, 0.25, 0]


def test_no_tensor_moves_when_slots_change_hands():
    settings = SlotSettings(2)
    places = [t.data_ptr() for t in (settings.values, settings.is_empty, settings.lr, settings.age)]
    settings.fill(0, AdamW(), 3)
    settings.advance()
    settings.release(0)
    assert places == [t.data_ptr() for t in (settings.values, settings.is_empty, settings.lr, settings.age)]
