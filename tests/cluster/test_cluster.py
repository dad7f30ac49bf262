"""A small share of the faults of a cluster; `make cluster-test` makes many."""

import os
import socket
import subprocess
import sys

import pytest
from cluster import one_node_slurm
from cluster.cluster_processes import open_addresses, processes_of
from cluster.faults import CPUS, RECIPE, campaign, is_loopback
from cluster.one_node_slurm import NoSlurm, OneNodeSlurm, command_name, running_slurm, why_not

pytestmark = [
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(why_not() is not None, reason=f"no Slurm: {why_not()}"),
]
FEW = {"worker": 4, "job, SIGTERM": 1, "job, SIGKILL": 1, "driver": 1, "second driver": 1}


def test_faults_of_a_cluster_change_no_byte(tmp_path):
    pytest.importorskip("parsl", reason="the extra `cluster` is not installed")
    with running_slurm(CPUS) as slurm:
        tried = campaign(slurm, FEW, 1, tmp_path, limit=60, recipe=RECIPE | {"seeds": [0, 1]})
    assert tried.failures == []
    assert {name: tried.counts[name] for name in FEW} == FEW
    assert tried.counts["networks"] >= 8


def test_two_slurms_run_side_by_side_and_end_by_themselves():
    with running_slurm() as one, running_slurm(cpus=4) as other:
        pids = [*one.pids().values(), *other.pids().values()]
        assert len(set(pids)) == 6
        other.command("sbatch", "--wrap=sleep 60", "--ntasks=4", "--output=/dev/null")
        assert (len(one.jobs()), len(other.jobs())) == (0, 1)
        opened = open_addresses({*processes_of(one), *processes_of(other)})
        assert len(opened) >= 4 and all(is_loopback(address) for address, _ in opened)
    assert [command_name(pid) for pid in pids if command_name(pid)] == []
    assert not one.folder.exists() and not other.folder.exists()


def test_a_machine_without_slurm_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(one_node_slurm, "search_path", lambda: str(tmp_path))
    reason = one_node_slurm.why_not()
    assert reason is not None and "not installed: munged, slurmctld" in reason
    with pytest.raises(NoSlurm, match="apt-get install slurm-wlm munge"):
        OneNodeSlurm(tmp_path / "slurm").start()


def test_a_slurm_that_does_not_start_says_why(tmp_path):
    with pytest.raises(NoSlurm, match="a path of at most"):
        OneNodeSlurm(tmp_path / ("x" * 60)).start()


def test_an_open_port_is_seen():

    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as one:
            one.bind((address, 0))
            one.listen()
            assert (address, os.getpid()) in open_addresses([os.getpid()])
    assert not is_loopback("0.0.0.0") and is_loopback("127.0.0.1")


def test_the_script_runs_from_any_folder(tmp_path):

    words = [sys.executable, one_node_slurm.__file__, "status", str(tmp_path / "none")]
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "nothing runs\n"
