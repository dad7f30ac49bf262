"""Tasks that wait for one another."""

import random

import pytest

from training.execution.scheduling.task_graph import TaskGraph


@pytest.fixture
def chain():
    """Return a graph: two sources, a task of both, and one of that."""
    graph = TaskGraph()
    graph.add("a")
    graph.add("b")
    graph.add("both", after=["a", "b"])
    graph.add("last", after=["both", "long ended"])
    return graph


def test_tasks_are_ready_in_their_order_once_their_sources_have_ended(chain):
    assert chain.ready() == ["a", "b"] and chain.first() == "a"
    chain.start("a")
    assert chain.first() == "b" and chain.running == {"a"}
    assert chain.end("a") == []
    chain.start("b")
    assert chain.first() is None and chain.end("b") == ["both"]
    assert chain.ready() == ["both"] and "a" not in chain and len(chain) == 2


def test_a_task_put_back_comes_in_its_old_place(chain):
    chain.start("a")
    chain.put_back("a")
    assert chain.ready() == ["a", "b"] and not chain.running


def test_a_dropped_task_is_not_waited_for(chain):
    chain.drop("both")
    assert chain.ready() == ["a", "b", "last"]
    chain.end("a")
    assert chain.end("b") == [] and chain.ready() == ["last"]


def test_random_graphs_run_in_dependency_order():
    draw = random.Random(0)
    for _ in range(50):
        n = draw.randint(1, 30)
        sources = {key: draw.sample(range(key), draw.randint(0, min(key, 3))) for key in range(n)}
        graph, ended, running = TaskGraph(), set(), []
        for key, after in sources.items():
            graph.add(key, after)
        while graph:
            if graph.ready() and draw.random() < 0.6:
                key = graph.first()
                assert key == min(graph.ready()) and {*sources[key]} <= ended
                graph.start(key)
                running.append(key)
            elif running:
                key = running.pop(draw.randrange(len(running)))
                graph.end(key)
                ended.add(key)
        assert ended == {*range(n)}


def test_what_waits_for_a_failed_task_is_taken_out():
    graph = TaskGraph()
    waits_for = {"a": [], "x": [], "b": ["a"], "c": ["b", "x"], "d": ["x"], "e": ["a", "x"]}
    for key, after in waits_for.items():
        graph.add(key, after)
    graph.start("a")
    assert sorted(graph.fail("a")) == ["b", "c", "e"] and graph.ready() == ["x"] and len(graph) == 2
    graph.start("x")
    assert graph.end("x") == ["d"]  # the others are gone
    assert graph.fail("d") == [] and len(graph) == 0
