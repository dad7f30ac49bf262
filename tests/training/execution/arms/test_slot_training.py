"""Arms in slots of one batch: files as if each had been trained alone."""

import copy

import pytest
import torch
from builders import LoneChannel, changed_recipe, launch_here, never_stop, stop_after, train_group_of

from training.cli.parser import Interrupted
from training.execution.arms.batches import batch_kind
from training.execution.arms.jobs import ArmTask, Job, jobs
from training.execution.arms.slot_training import SlotTraining
from training.execution.arms.training_loop import TrainingLoop, train
from training.execution.experiment import Experiment
from training.execution.identity.start_record import Start
from training.execution.scheduling.arm_queue import ArmQueue, Submission
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict


class QueueChannel(LoneChannel):
    """Channel of a batch to a queue in this process."""

    def __init__(self, queue, kind, should_stop=never_stop):
        super().__init__(should_stop)
        self.queue, self.kind, self.order = queue, kind, []

    def ended(self, task, reason):
        super().ended(task, reason)
        self.order.append(str(task))
        self.queue.ended(task.number)

    def more(self):
        return self.queue.next_batch(self.kind)


def queue_of(recipe, run):
    queue = ArmQueue()
    queue.submit(Submission(recipe, run, jobs(recipe, recipe.seeds), Start()))
    return queue


def train_in_slots(recipe, run, n_slots, should_stop=never_stop):
    """Train a recipe as on a GPU: in slots that are refilled, each evaluation one behind."""
    queue = queue_of(recipe, run)
    order = []
    while tasks := queue.next_tasks(1):
        channel = QueueChannel(queue, queue.kind(tasks[0].number), should_stop)
        loop = TrainingLoop("cpu", channel, fit=lambda *_: n_slots, is_pipelined=True)
        with loop.locks:
            loop.train(tasks)
        order += channel.order
    return order


@pytest.fixture(scope="session")
def two_seeds(tiny_recipe, tmp_path_factory):
    """Return the tiny recipe for two seeds, and a run of it in which every arm was trained alone."""
    recipe = changed_recipe(to_dict(tiny_recipe), "seeds=[0,1]")
    out = tmp_path_factory.mktemp("alone")
    Experiment(recipe, "", out=str(out), launch=launch_here).train("cpu", workers=1)
    return recipe, RunDir(out / recipe.name)


@pytest.mark.parametrize("n_slots", [1, 2, 3, 64])
def test_a_recipe_in_refilled_slots_has_the_bytes_of_arms_alone(two_seeds, n_slots, tmp_path, files_of):
    recipe, run = two_seeds
    train_in_slots(recipe, RunDir(tmp_path), n_slots)
    assert files_of(tmp_path).items() <= files_of(run.path).items() and len(files_of(tmp_path)) >= 8 * 4


def test_a_ticket_starts_when_its_own_source_ends(two_seeds, tmp_path):
    recipe, _ = two_seeds
    slow = changed_recipe(to_dict(recipe), "arms.dense.settle_steps=50")
    order = train_in_slots(slow, RunDir(tmp_path), 64)
    first, last = sorted([0, 1], key=lambda seed: RunDir(tmp_path).arm("dense", seed).done()["steps"])
    assert order.index(f"dense seed {first}") < order.index(f"dense seed {last}")


@pytest.mark.parametrize("stop_at", [2, 9, 14])
def test_a_batch_that_is_stopped_goes_on_with_equal_bytes(two_seeds, stop_at, tmp_path, files_of):
    recipe, run = two_seeds
    with pytest.raises(Interrupted):
        train_in_slots(recipe, RunDir(tmp_path), 3, stop_after(stop_at))
    assert len(list(tmp_path.rglob("state.pt"))) >= 2
    train_in_slots(recipe, RunDir(tmp_path), 2)
    assert files_of(tmp_path).items() <= files_of(run.path).items() and len(files_of(tmp_path)) >= 8 * 4


def test_a_batch_too_large_is_split_and_says_so(two_seeds, tmp_path, files_of, capsys, monkeypatch):
    recipe, run = two_seeds
    advance = SlotTraining.advance

    def short_of_memory(self):
        if len(self.slots) > 1 and self.engine.ages[0] >= 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return advance(self)

    monkeypatch.setattr(SlotTraining, "advance", short_of_memory)
    train_in_slots(recipe, RunDir(tmp_path), 4)
    assert "do not fit into its memory; 2 are trained at a time" in capsys.readouterr().err
    assert files_of(tmp_path).items() <= files_of(run.path).items() and len(files_of(tmp_path)) >= 8 * 4


def test_memory_that_one_network_does_not_fit_in_is_an_error(recipe, tmp_path, monkeypatch):
    def short_of_memory(self):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SlotTraining, "advance", short_of_memory)
    with pytest.raises(torch.OutOfMemoryError):
        train_in_slots(recipe, RunDir(tmp_path), 4)


def test_a_lost_device_is_one_line_and_saved_states_stay(recipe, tmp_path, monkeypatch):
    task = ArmTask(recipe, RunDir(tmp_path), Job("dense", 0))
    with pytest.raises(Interrupted):
        train([task], "cpu", LoneChannel(stop_after(3)))
    state = (task.files.path / "state.pt").read_bytes()

    def lost(self, tasks):
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with TORCH_USE…")

    monkeypatch.setattr(TrainingLoop, "train", lost)
    expected = r"^cuda: was lost \(CUDA error: an illegal memory access was encountered\); the last saved"
    with pytest.raises(RunError, match=expected):
        train([task], "cuda", LoneChannel())
    assert (task.files.path / "state.pt").read_bytes() == state


def test_arms_of_one_batch_may_differ_in_all_but_shapes(recipe, tmp_path):
    content = to_dict(recipe)
    base = batch_kind(ArmTask(recipe, RunDir(tmp_path), Job("dense", 0)))

    def kind(*settings):
        other = changed_recipe(copy.deepcopy(content), *settings)
        return batch_kind(ArmTask(other, RunDir(tmp_path), Job("dense", 3)))

    optimizer = ("optimizer.lr=0.5", "optimizer.warmup_steps=3", "optimizer.weight_decay=0")
    assert kind(*optimizer, "pruning.sparsity=0.9") == kind("name=other", "measure.threshold=0.9") == base
    assert len({base, kind("task.p=11"), kind("model.d_mlp=20"), kind("measure.eval_every=5")}) == 4
    plain = "task.pairs=unordered"
    assert kind(plain, "task.split_seed=5") == kind(plain) != base
    sgd = kind("optimizer.name=sgd", "optimizer.lr=0.1")
    assert sgd != base
    tangent = (plain, "arms.dense.form=tangent")
    assert kind(*tangent) not in (kind(plain), kind(*tangent, "task.split_seed=6"))


def test_an_arm_of_a_gpu_notes_its_batch(recipe, tmp_path):
    """The bits of a GPU depend on the number of slots, so the record has it."""
    from training.execution.arms.arm_in_training import ArmInTraining
    from training.execution.arms.sources.starting_point import starting_point

    task = ArmTask(recipe, RunDir(tmp_path), Job("dense", 0))
    arm = ArmInTraining(task, starting_point(recipe, task.run, task.job), "cpu")
    training = SlotTraining([arm], "cpu", lambda *_: None, n_slots=3, is_pipelined=True)
    training.engine.device = torch.device("cuda")
    training._note_batch()
    training.engine.ages = [30, 0]
    training.slots.pop()
    training._note_batch()
    assert arm.slots == [[0, 3], [30, 2]] == arm._record()["slots"]


def test_unlike_shapes_in_one_sweep_are_grouped(content, tmp_path, files_of):
    content["arms"] = {
        name: {"max_steps": 40, "min_steps": 0, "model": {**content["model"], "d_mlp": width}}
        for name, width in (("narrow", 10), ("wide", 20), ("as_narrow", 10))
    }
    recipe = changed_recipe(content)
    queue = queue_of(recipe, RunDir(tmp_path / "slots"))
    assert [str(task) for task in queue.next_tasks(1)] == ["narrow seed 0", "as_narrow seed 0"]
    train_in_slots(recipe, RunDir(tmp_path / "slots"), 8)
    train_group_of(recipe, RunDir(tmp_path / "alone"), "narrow")
    train_group_of(recipe, RunDir(tmp_path / "alone"), "wide")
    assert files_of(tmp_path / "alone").items() <= files_of(tmp_path / "slots").items()
