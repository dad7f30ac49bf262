"""How many workers a node has, what each may see, and how it joins."""

import math
import pickle
import threading

import pytest

from training.execution.cluster.block_script import UNTIL
from training.execution.cluster.node_messages import registration
from training.execution.cluster.node_pool import connected, parsed, worker_environments

pytest.importorskip("parsl", reason="the extra `cluster` is not installed")

WORDS = (
    "--addresses=127.0.0.1 --port={port} --cert_dir=None --block_id=3 --hb_period=1 --hb_threshold=4 "
    "--cores_per_worker={cores} --mem_per_worker={memory} {most} --accelerators {gpus}"
)


def options_of(cores="1.0", memory="None", most="--max_workers_per_node=99", gpus="", port=5):
    """Return a node's options as Parsl writes them."""
    return parsed(WORDS.format(cores=cores, memory=memory, most=most, gpus=gpus, port=port).split())


def environments(**options):
    """Return the variables of the workers of a node with these options."""
    return worker_environments(options_of(**options))


@pytest.fixture(autouse=True)
def node(monkeypatch):
    """Give this machine 7 cores and 8 GB, as far as its variables say."""
    monkeypatch.setenv("PARSL_CORES", "7")
    monkeypatch.setenv("PARSL_MEMORY_GB", "8")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("options", "n_workers"),
    [
        ({}, 7),
        ({"most": "--max_workers_per_node=3"}, 3),
        ({"most": ""}, 7),
        ({"cores": "2"}, 3),
        ({"cores": str(7 / 11), "most": "--max_workers_per_node=11"}, 11),
        ({"cores": str(7 / 3)}, 3),
        ({"memory": "3"}, 2),
        ({"cores": "100"}, 1),
        ({"gpus": "0 1"}, 2),
    ],
)
def test_cores_memory_and_gpus_limit_workers(options, n_workers):
    variables = environments(**options)
    assert [each["PARSL_WORKER_RANK"] for each in variables] == [str(n) for n in range(n_workers)]
    assert {each["PARSL_WORKER_COUNT"] for each in variables} == {str(n_workers)}


def test_each_worker_sees_one_gpu_of_those_the_job_was_given(monkeypatch):
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments(gpus="0 1")] == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,GPU-7")
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments(gpus="0 1 2")] == ["2", "5", "GPU-7"]
    assert all("CUDA_VISIBLE_DEVICES" not in each for each in environments())


def test_a_node_says_when_it_has_to_end(monkeypatch):
    monkeypatch.delenv(UNTIL, raising=False)
    assert registration("a", "3", 2)["drain_time"] == math.inf
    monkeypatch.setenv(UNTIL, "1700000000")
    message = registration("a", "3", 2)
    assert (message["drain_time"], message["block_id"], message["max_capacity"]) == (1.7e9, "3", 2)


def test_a_probe_whose_end_comes_late_does_not_silence_the_node(monkeypatch):
    import zmq
    from parsl.executors.high_throughput import probe

    left_open, heard = [], []

    def probe_that_stays(context, urls, timeout, identity=None):
        """Probe an address as Parsl does, but leave the connection open, as on a busy machine."""
        socket = context.socket(zmq.DEALER)
        left_open.append(socket)
        socket.setsockopt(zmq.LINGER, 0)
        if identity:
            socket.setsockopt(zmq.IDENTITY, identity)
        (url,) = urls
        socket.connect(url)
        socket.send(pickle.dumps({"type": "connection_probe"}))
        assert socket.poll(timeout)
        return url

    def interchange(router):
        """Answer two messages, to who sent them."""
        for _ in range(2):
            if router.poll(4000):
                sender, message = router.recv_multipart()
                heard.append((sender, pickle.loads(message)["type"]))
                router.send_multipart([sender, message])

    monkeypatch.setattr(probe, "probe_addresses", probe_that_stays)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        options = options_of(port=router.bind_to_random_port("tcp://127.0.0.1"))
        thread = threading.Thread(target=interchange, args=(router,))
        thread.start()
        node, _ = connected(options, "node")
        node.send(pickle.dumps({"type": "registration"}))
        thread.join()
        for socket in (node, *left_open):
            socket.context.destroy(linger=0)
    assert heard[1:] == [(b"node", "registration")]
