"""The dispatcher with a pretended executor: what runs when, what is tried again, what fails."""

import pytest
from builders import changed_recipe

from training.cli.parser import Interrupted
from training.execution.arms.jobs import jobs
from training.execution.identity.device import OtherPlatformError
from training.execution.identity.start_record import Start
from training.execution.scheduling import arm_queue
from training.execution.scheduling.arm_queue import ArmQueue, Submission
from training.execution.scheduling.command_queue import Command, CommandQueue
from training.execution.scheduling.dispatcher import MOST_TRIES, Dispatcher
from training.execution.scheduling.executor import Executor, Message
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict


class Pretended(Executor):
    """Executor that notes its calls and answers each as it is told to.

    `answer(call, n)` returns the messages, without the call's number, of the n-th call; all networks end by
    default.
    """

    def __init__(self, n_places=2, n_batches=1, answer=None, is_of_many_machines=False):
        self.n_places, self.most_cores, self.n_batches = n_places, n_places, n_batches
        self.is_of_many_machines, self.takes_more = is_of_many_machines, not is_of_many_machines
        self.answer = answer or (lambda call, n: [*ends(call), ("ended", None)])
        self.calls, self.stopped, self.sent, self.most_at_once = [], [], [], 0
        self._waiting = {}

    def resolve(self, device):
        return "cpu" if device == "auto" else device

    def begin(self, call):
        self.calls.append(call)
        self._waiting[len(self.calls)] = self.answer(call, len(self.calls))
        self.most_at_once = max(self.most_at_once, len(self._waiting))
        return len(self.calls)

    def send_more(self, call, tasks):
        self.sent.append((call, [str(task) for task in tasks]))
        self._waiting[call][-1:-1] = [("arm ended", task.number) for task in tasks]

    def stop(self, call):
        self.stopped.append(call)
        self._waiting[call] = [("failed", Interrupted())]

    def messages(self, timeout):
        for number, answers in self._waiting.items():  # the first call's first message
            kind, content = answers.pop(0)
            if kind in ("ended", "failed", "lost"):
                del self._waiting[number]
            return [Message(number, kind, content)]
        return []

    def close(self):
        assert not self._waiting


def ends(call):
    return [("arm ended", task.number) for task in call.tasks]


@pytest.fixture
def queue(recipe, tmp_path):
    """Return a queue of the tiny recipe with two seeds: eight networks."""
    recipe = changed_recipe(to_dict(recipe), "seeds=[0, 1]")
    queue = ArmQueue()
    queue.submit(Submission(recipe, RunDir(tmp_path), jobs(recipe, recipe.seeds), Start()))
    return queue


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(arm_queue, "HELD_SECONDS", 0.0)


def dispatched(executor, device="cpu", requests=(), **queues):
    """Run everything, and return the calls' names."""
    dispatcher = Dispatcher(executor, list(requests), **queues)
    dispatcher.resolve(device)
    dispatcher.run()
    executor.close()
    return [call.name for call in executor.calls]


def test_networks_come_one_by_one_with_their_sources_first(queue):
    executor = Pretended(n_places=2)
    names = dispatched(executor, networks=queue)
    assert len(names) == 8 and not queue and executor.most_at_once == 2
    for seed in "01":
        order = [names.index(f"{arm} seed {seed}") for arm in ("dense", "grokked_ticket", "shuffled")]
        assert order == sorted(order)


def test_a_batch_takes_what_becomes_ready_where_it_can(queue):
    executor = Pretended(n_places=4)
    names = dispatched(executor, "cuda", networks=queue)
    assert names == ["dense seed 0, dense seed 1, random seed 0, random seed 1"]
    assert [tasks for _, tasks in executor.sent] == [
        *([f"grokked_ticket seed {seed}"] for seed in (0, 1)),
        *([f"shuffled seed {seed}"] for seed in (0, 1)),
    ]


def test_gpus_of_a_cluster_share_what_is_ready(queue):
    executor = Pretended(n_places=2, n_batches=2, is_of_many_machines=True)
    names = dispatched(executor, "cuda", networks=queue)
    assert names[:2] == ["dense seed 0, dense seed 1", "random seed 0, random seed 1"]
    assert not executor.sent and not queue


def test_a_lost_network_is_tried_again(queue):
    executor = Pretended(
        answer=lambda call, n: [("lost", RunError("gone"))] if n < 4 else [*ends(call), ("ended", None)]
    )
    names = dispatched(executor, networks=queue)
    assert len(names) == 8 + 3 and len({*names}) == 8
    assert queue.submissions[0].failure is None


def test_a_network_that_is_lost_too_often_fails(queue):
    executor = Pretended(n_places=1, answer=lambda call, n: [("lost", RunError("gone"))])
    names = dispatched(executor, networks=queue)
    assert max(map(names.count, names)) == MOST_TRIES
    assert str(queue.submissions[0].failure) == "gone" and not queue


@pytest.mark.parametrize("is_of_many_machines", [True, False])
def test_a_network_of_another_platform_waits_for_another_machine(queue, is_of_many_machines):
    def answer(call, n):
        if n == 1:
            other = OtherPlatformError("begun by another platform")
            return [("arm failed", (call.tasks[0].number, other)), ("ended", None)]
        return [*ends(call), ("ended", None)]

    dispatched(Pretended(n_places=1, answer=answer, is_of_many_machines=is_of_many_machines), networks=queue)
    assert (queue.submissions[0].failure is None) == is_of_many_machines and not queue


def test_a_held_network_is_waited_for_and_told_once(queue, capsys):
    def answer(call, n):
        held = call.tasks[0].number == 0 and n < 6
        return [("arm held", 0) if held else ends(call)[0], ("ended", None)]

    names = dispatched(Pretended(n_places=1, answer=answer), networks=queue)
    assert names.count("dense seed 0") > 1 and not queue and queue.submissions[0].failure is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("dense/seed_0: another process is training this arm; it is waited for")


def test_a_failure_stops_the_other_networks_of_its_run(queue):
    executor = Pretended(n_places=3, answer=lambda call, n: [("failed", RunError("no memory"))])
    names = dispatched(executor, networks=queue)
    assert len(names) == 3 and executor.stopped == [2, 3]
    assert str(queue.submissions[0].failure) == "no memory" and not queue


def test_a_request_stops_all_and_begins_nothing(queue):
    executor = Pretended()
    assert dispatched(executor, requests=[2], networks=queue) == [] and len(queue) == 8
    requests = []

    def answer(call, n):
        requests.append(n)
        return [("progress", (call.tasks[0].number, 10, 0.5)), *ends(call), ("ended", None)]

    executor = Pretended(answer=answer)
    dispatcher = Dispatcher(executor, requests, networks=queue)
    dispatcher.resolve("cpu")
    dispatcher.run()
    assert executor.stopped == [1, 2] and len(queue) == 8 and not queue.graph.running


def test_time_in_a_clusters_queue_is_not_worked(queue):
    executor = Pretended(answer=lambda call, n: [("worked", 100.0), *ends(call), ("ended", None)])
    dispatched(executor, networks=queue)
    assert 800 <= queue.submissions[0].core_seconds < 810


def commands(tmp_path, *names, most_cores=1, **after):
    """Return a queue of commands, and the list of what ended how."""
    ended = []
    queue = CommandQueue(lambda name, failure, seconds, cores: ended.append((name, failure, cores)))
    for name in names:
        queue.add(Command(name, ("true",), tmp_path / name, frozenset(after.get(name, ())), most_cores))
    return queue, ended


def test_commands_come_before_networks_and_share_cores(queue, tmp_path):
    waiting, ended = commands(tmp_path, "a", "b", most_cores=8, b=["a"])
    names = dispatched(Pretended(n_places=3), networks=queue, commands=waiting)
    assert names[0] == "a" and names[1] == "b"  # each takes all places
    assert ended == [("a", None, 3), ("b", None, 3)] and not queue and not waiting


def test_what_waits_for_a_failed_command_is_left_out(tmp_path):
    waiting, ended = commands(tmp_path, "a", "b", "c", "d", b=["a"], c=["b"])
    executor = Pretended(answer=lambda call, n: [("ended", "it broke" if call.name == "a" else None)])
    assert sorted(dispatched(executor, commands=waiting)) == ["a", "d"]
    assert waiting.left_out == {"a", "b", "c"} and ("a", "it broke", 1) in ended


def test_a_lost_command_is_run_again(tmp_path):
    waiting, ended = commands(tmp_path, "a")
    executor = Pretended(answer=lambda call, n: [("lost" if n < 3 else "ended", None)])
    assert dispatched(executor, commands=waiting) == ["a", "a", "a"] and ended == [("a", None, 1)]


def test_a_stopped_command_has_not_failed(tmp_path):
    waiting, ended = commands(tmp_path, "a")
    requests = []
    executor = Pretended(answer=lambda call, n: requests.append(n) or [("progress", (0, 0, 0.0))] * 9)
    dispatcher = Dispatcher(executor, requests, commands=waiting)
    dispatcher.networks.report = lambda *_: None
    dispatcher.run()
    assert executor.stopped == [1] and not ended and len(waiting) == 1 and not waiting.left_out
