"""Captured steps, with graphs that record operations on the CPU and run them again."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from training.config.recipe_files import read_recipe
from training.optimization.engine import Engine
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.optimization.slots.captured_step import N_WARM_UP, CapturedStep
from training.optimization.slots.slot_settings import SlotSettings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


WAITS = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select"}
"""Operations that wait for the device, which a capture forbids."""


class Recorder(TorchDispatchMode):
    """Record every operation with its arguments and results."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name in WAITS:
            raise RuntimeError("operation not permitted when stream is capturing")
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.calls.append((func, args, kwargs or {}, out))
        return out


class RecordingGraphs:
    """Graphs as CUDA's: the capture changes no state, a replay runs the same kernels on the same memory."""

    def __init__(self, state, error=None):
        self.state, self.error = state, error
        self.n_warm_ups = self.n_captures = self.n_replays = 0

    def warm_up(self, step):
        assert self.n_captures == 0
        self.n_warm_ups += 1
        step()

    def capture(self, step):
        self.n_captures += 1
        before = [t.clone() for t in self.state]
        with Recorder() as recorder:
            step()
        for t, value in zip(self.state, before, strict=True):
            t.copy_(value)
        if self.error is not None:
            raise self.error

        def replay():
            self.n_replays += 1
            for func, args, kwargs, out in recorder.calls:
                pairs = zip(tree_flatten(out)[0], tree_flatten(func(*args, **kwargs))[0], strict=True)
                for old, new in pairs:
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)

        return replay


def training_of(arms):
    """Return the state of arms, and their step on a loss whose minimum is elsewhere for every weight."""
    goal, update = (
        arms.gradients[0].clone(),
        arms.optimizers[0].slot_update([arms.w], arms.state, arms.settings, arms.mask),
    )

    def step():
        update([arms.w - goal])
        arms.settings.advance()

    return [*arms.tensors(), arms.settings.values], step


@pytest.mark.parametrize("name", ["adamw", "sgd"])
@pytest.mark.parametrize("calls", [(20,), (1, 1, 5, 13), (N_WARM_UP, 17), (0, 4)])
def test_captured_steps_equal_plain_steps_to_the_bit(slot_arms, name, calls):
    plain, captured = slot_arms(torch.float32, name), slot_arms(torch.float32, name)
    expected, take = training_of(plain)
    state, step = training_of(captured)
    graphs = RecordingGraphs(state)
    captured_step = CapturedStep(step, CUDA, graphs=graphs)
    for n_steps in calls:
        captured_step.replay(n_steps)
        for _ in range(n_steps):
            take()
        assert all(torch.equal(a, b) for a, b in zip(state, expected, strict=True))
    assert (graphs.n_warm_ups, graphs.n_captures) == (N_WARM_UP, 1)
    assert graphs.n_replays == sum(calls) - N_WARM_UP
    assert captured_step.is_captured and captured_step.reason == ""


def test_a_slot_that_changes_hands_between_replays_is_trained_by_its_new_settings(slot_arms):
    both = [slot_arms(torch.float32) for _ in range(2)]
    (expected, take), (state, step) = map(training_of, both)
    captured_step = CapturedStep(step, CUDA, graphs=RecordingGraphs(state))
    for change in (
        lambda arms: None,
        lambda arms: arms.settings.release(2),
        lambda arms: arms.settings.fill(3, arms.optimizers[1], 0),
        lambda arms: arms.settings.fill(2, arms.optimizers[0], 9),
    ):
        for arms in both:
            change(arms)
        captured_step.replay(10)
        for _ in range(10):
            take()
    assert all(torch.equal(a, b) for a, b in zip(state, expected, strict=True))
    assert both[1].settings.age.tolist() == [40, 40, 19, 20, 4040]


def engine_step(engine, optimizer, settings):
    """Return a step of an engine that updates all slots at once."""
    rows, parametrization = engine.optimizer_state, engine.parametrization
    update = optimizer.slot_update(parametrization.trained, rows, settings, None)

    def step():
        parametrization.write_weights(engine.weights_rw, training=True)
        engine.network.gradient(engine.weights, engine.grads)
        update(parametrization.trained_gradients(engine.grads_rw))
        settings.advance()

    return [*parametrization.trained, *(t for listed in rows.values() for t in listed), settings.values], step


CASES = [
    *(("modadd_ticket", form) for form in sorted(set(PARAMETRIZATIONS) - {"supermask"})),
    *((name, "weights") for name in ("m_transformer", "m_polynomial", "n_mainline", "h_standard")),
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_a_graph_of_a_whole_step_trains_as_the_engine(name, form):
    recipe, _ = read_recipe(name, quick=True)
    setting = recipe.setting(next(iter(recipe.arms)))
    starts = [{k: w.double() for k, w in setting.initial_weights(seed).items()} for seed in range(2)]
    options = ParametrizationSettings(name=form, **({"seeds": (3, 4)} if form != "weights" else {}))
    engines = [
        Engine(
            setting.model, setting.optimizer, setting.examples(), starts, [None] * 2, parametrization=options
        )
        for _ in range(2)
    ]
    settings = SlotSettings(2)
    for slot in range(2):
        settings.fill(slot, setting.optimizer, 0)
    with torch.no_grad():
        state, step = engine_step(engines[1], setting.optimizer, settings)
        captured_step = CapturedStep(step, CUDA, graphs=RecordingGraphs(state))
        captured_step.replay(N_WARM_UP + 3)
    engines[0].run(N_WARM_UP + 3)
    assert captured_step.is_captured
    for expected, actual in zip(*(engine.parametrization.trained for engine in engines), strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-9)


def test_a_number_of_the_host_would_be_baked_in():
    """The fake graph shows what a graph does: it repeats the numbers of the capture."""
    x, factors = torch.ones(1), iter([2.0] * N_WARM_UP + [3.0, 5.0])
    captured_step = CapturedStep(lambda: x.mul_(next(factors)), CUDA, graphs=RecordingGraphs([x]))
    captured_step.replay(N_WARM_UP + 2)
    assert x.item() == 2**N_WARM_UP * 3 * 3


def test_a_failed_capture_falls_back_with_equal_results_and_one_line(capsys, slot_arms):
    (expected, take), (state, step) = (training_of(slot_arms(torch.float32)) for _ in range(2))
    error = RuntimeError("operation not permitted\nwhen stream is capturing")
    graphs = RecordingGraphs(state, error)
    steps = [CapturedStep(step, CUDA, graphs=graphs), CapturedStep(step, CUDA, graphs=graphs)]
    for captured_step in steps:
        graphs.n_captures = 0
        captured_step.replay(10)
        captured_step.replay(5)
        assert graphs.n_captures == 1 and not captured_step.is_captured
        assert captured_step.reason == "RuntimeError: operation not permitted when stream is capturing"
    for _ in range(30):
        take()
    assert all(torch.equal(a, b) for a, b in zip(state, expected, strict=True))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and steps[0].reason in lines[0]


def test_lack_of_memory_in_a_capture_is_raised(slot_arms):
    state, step = training_of(slot_arms(torch.float32))
    graphs = RecordingGraphs(state, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(torch.OutOfMemoryError):
        CapturedStep(step, CUDA, graphs=graphs).replay(10)


def test_a_step_that_reads_a_value_is_not_captured():
    x, lines = torch.zeros(4), []
    step = CapturedStep(
        lambda: x.add_(1 + 0 * float(x[0])), CUDA, graphs=RecordingGraphs([x]), report=lines.append
    )
    step.replay(10)
    assert x.tolist() == [10.0] * 4 and len(lines) == 1 and not step.is_captured


def test_an_error_of_the_step_itself_is_raised():
    def step():
        raise ValueError("shapes")

    with pytest.raises(ValueError, match="shapes"):
        CapturedStep(step, CUDA, graphs=RecordingGraphs([])).replay(1)


def test_a_step_that_draws_random_numbers_is_never_captured():
    x, lines = torch.zeros(4), []
    graphs = RecordingGraphs([x])
    step = CapturedStep(x.uniform_, CUDA, capturable=False, graphs=graphs, report=lines.append)
    step.replay(10)
    assert graphs.n_warm_ups == graphs.n_captures == 0 and not lines
    assert step.reason == "the step draws random numbers"


def test_on_the_cpu_steps_are_run_as_they_are():
    x, lines = torch.zeros(1), []
    step = CapturedStep(lambda: x.add_(1), CPU, report=lines.append)
    step.replay(7)
    assert x.item() == 7 and step.reason == "device is cpu" and not lines
