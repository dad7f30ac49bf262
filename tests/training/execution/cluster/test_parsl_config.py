"""What `--executor` may name: Slurm, and files with a Parsl config."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import training
from training.execution.cluster import cpu_pin, parsl_config, slurm_blocks
from training.execution.cluster.block_failures import BlockFailures
from training.execution.cluster.block_script import UNTIL, job_script
from training.execution.cluster.parsl_config import cluster_of
from training.execution.cluster.settings import EXAMPLES, SETTINGS_VARIABLE
from training.schema.validation import ConfigError

pytest.importorskip("parsl", reason="the extra `cluster` is not installed")
from parsl.jobs.states import JobState, JobStatus

EXECUTOR = "HighThroughputExecutor(address='127.0.0.1', max_workers_per_node=3, provider=LocalProvider())"
IMPORTS = """
from parsl import Config
from parsl.executors import HighThroughputExecutor, MPIExecutor, ThreadPoolExecutor
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider
"""


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """Put a command `sbatch` on the PATH, and no other of Slurm."""
    command = tmp_path / "bin" / "sbatch"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")


@pytest.fixture
def config_file(tmp_path):
    """Return a function that writes a config's file."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(IMPORTS + text)
        return str(path)

    return write


def test_slurm_is_built_from_the_settings(sbatch, tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    path.write_text(
        "[cluster]\nblocks = 3\nnodes_per_block = 2\ncores_per_node = 4\naddress = '127.0.0.1'\n"
        "walltime = '1-00:10:00'\nsetup = ['module load it']\nscheduler_options = ['--qos=long']\n"
        "partition = 'p'\naccount = 'a'\nheartbeat_seconds = 2\nlost_after_seconds = 9\npoll_seconds = 1\n"
    )
    monkeypatch.setenv(SETTINGS_VARIABLE, str(path))
    cluster = cluster_of("slurm", tmp_path / "work")
    htex, provider = cluster.executor, cluster.executor.provider
    assert (cluster.name, cluster.n_workers, cluster.is_gpu) == ("slurm", 24, False)
    assert (cluster.config.run_dir, cluster.config.retries) == (str(tmp_path / "work"), 0)
    assert htex.encrypted and htex.address == "127.0.0.1"
    assert (htex.heartbeat_period, htex.heartbeat_threshold) == (2, 9)
    assert (provider.walltime, provider.status_polling_interval) == ("24:10:00", 1)
    assert (provider.init_blocks, provider.max_blocks, provider.nodes_per_block) == (3, 3, 2)
    options = ["--qos=long", "--partition=p", "--account=a"]
    assert provider.scheduler_options.split("\n")[:3] == [f"#SBATCH {option}" for option in options]
    assert "module load it" in provider.worker_init.splitlines()


def test_a_gpu_serves_one_worker(sbatch, tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    path.write_text("[cluster]\ngpus_per_node = 2\ncores_per_node = 16\naddress = '127.0.0.1'\n")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(path))
    cluster = cluster_of("slurm", tmp_path)
    assert (cluster.n_workers, cluster.is_gpu) == (2, True)
    assert cluster.executor.available_accelerators == ["0", "1"]


@pytest.mark.parametrize(("name", "n_workers", "is_gpu"), [("slurm", 512, False), ("pbs", 8, True)])
def test_examples_are_loaded(sbatch, tmp_path, name, n_workers, is_gpu):
    cluster = cluster_of(str(EXAMPLES / f"{name}.py"), tmp_path)
    assert (cluster.n_workers, cluster.is_gpu) == (n_workers, is_gpu)
    assert f"export {UNTIL}=" in cluster.executor.provider.worker_init
    assert "node_pool" in cluster.executor.launch_cmd


def test_the_example_of_kubernetes_is_loaded(tmp_path, monkeypatch):
    from parsl.providers.kubernetes import kube

    stand_in = types.SimpleNamespace(load_kube_config=lambda: None)
    monkeypatch.setattr(kube, "_kubernetes_enabled", True)
    monkeypatch.setattr(kube, "config", stand_in, raising=False)
    monkeypatch.setattr(kube, "client", types.SimpleNamespace(CoreV1Api=object), raising=False)
    cluster = cluster_of(str(EXAMPLES / "kubernetes.py"), tmp_path)
    assert (cluster.n_workers, cluster.is_gpu) == (40, False)
    assert UNTIL not in cluster.executor.provider.worker_init  # a pod has no walltime


def test_a_file_may_define_a_config_or_a_function(config_file, tmp_path):
    for text in (f"config = Config([{EXECUTOR}])", f"def config():\n    return Config([{EXECUTOR}])"):
        cluster = cluster_of(config_file(text), tmp_path)
        assert cluster.n_workers == 3
        assert isinstance(cluster.executor.block_error_handler, BlockFailures)


def test_commands_of_the_user_are_kept(config_file, tmp_path):
    own = EXECUTOR.replace("max_w", "launch_cmd='mine', interchange_launch_cmd=['its'], max_w")
    cluster = cluster_of(config_file(f"config = Config([{own}])"), tmp_path)
    assert (cluster.executor.launch_cmd, cluster.executor.interchange_launch_cmd) == ("mine", ["its"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (line 6)"),
        ("def config():\n    raise SystemExit('no')", "SystemExit: no (line 7)"),
        ("if", "SyntaxError"),
        ("", "expected `config`, a parsl.Config or a function that returns one, got nothing"),
        ("config = 3", "a function that returns one, got 3"),
        ("config = Config()", "expected one HighThroughputExecutor, got ThreadPoolExecutor"),
        (f"config = Config([{EXECUTOR}, ThreadPoolExecutor()])", "got HighThroughputExecutor, ThreadPool"),
        (
            "config = Config([" + EXECUTOR.replace("max_w", "cpu_affinity='block', max_w") + "])",
            "expected cpu_affinity='none', got 'block'",
        ),
    ],
)
def test_what_is_no_config_is_refused_in_one_line(config_file, tmp_path, text, message):
    path = config_file(text)
    with pytest.raises(ConfigError) as refused:
        cluster_of(path, tmp_path)
    assert str(refused.value).startswith(f"--executor {path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["slrum", "absent.py", "folder"])
def test_no_such_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"^--executor: expected local, slurm or a Python file \(\.py\)"):
        cluster_of(name, tmp_path)


def test_without_slurm_its_commands_are_named(tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    path.write_text("[cluster]\n")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^--executor slurm: no sbatch on the PATH"):
        cluster_of("slurm", tmp_path)


def test_without_parsl_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(parsl_config.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        ConfigError, match=r"Parsl is not installed; pip install 'grokking-tickets\[cluster\]'"
    ):
        cluster_of("slurm", tmp_path)


def test_an_address_is_one_of_this_machine():
    assert slurm_blocks.own_address("127.0.0.1") == "127.0.0.1"
    assert slurm_blocks.own_address("lo") == "127.0.0.1"
    assert slurm_blocks.own_address(None).count(".") == 3
    with pytest.raises(
        ConfigError, match=r"^cluster\.address: expected one of this machine's \(.*127\.0\.0\.1"
    ):
        slurm_blocks.own_address("203.0.113.9")


def test_a_job_uses_this_code_and_interpreter_after_the_users_lines(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").touch()
    setup = [f"export PYTHONPATH={tmp_path}", "export PATH=/usr/bin:/bin", "export OMP_NUM_THREADS=9"]
    script = job_script(setup, 600, 60, cpu_pin.HERE)
    ask = "import os, sys, training; print(sys.prefix, training.__file__, *map(os.environ.get, sys.argv[1:]))"
    names = f"OMP_NUM_THREADS {UNTIL} {cpu_pin.PIN}"
    shell = f'{script}\nstart=$(date +%s)\npython3 -c "{ask}" {names}\necho $start'
    said, start = subprocess.run(
        ["bash", "-c", shell], check=True, capture_output=True, text=True, cwd=tmp_path.parent
    ).stdout.splitlines()
    prefix, file, threads, until, pinned = said.split()
    assert (prefix, file, threads) == (sys.prefix, training.__file__, "1")
    assert abs(int(until) - int(start) - 540) <= 2
    assert pinned == cpu_pin.capability_here()


@pytest.mark.parametrize(("theirs", "seconds"), [(300, 240), (900, 540), (-5, 540)])
def test_slurm_may_say_an_earlier_end_of_a_job(theirs, seconds):
    script = job_script([], 600, 60, cpu_pin.OWN)
    shell = f"set -e; SLURM_JOB_END_TIME=$(( $(date +%s) + {theirs} ))\n{script}\necho $(( ${UNTIL} - now ))"
    said = subprocess.run(["bash", "-c", shell], check=True, capture_output=True).stdout
    assert abs(int(said) - seconds) <= 1
    assert cpu_pin.PIN not in script


def test_a_job_that_the_queue_has_forgotten_has_ended(sbatch, tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    path.write_text("[cluster]\naddress = '127.0.0.1'\n")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(path))
    provider = cluster_of("slurm", tmp_path).executor.provider
    squeue = tmp_path / "bin" / "squeue"
    squeue.write_text('#!/bin/sh\necho "$SAYS" >&2\nexit 1\n')
    squeue.chmod(0o755)
    for says, state in (("Unable to contact slurm controller", "RUNNING"), ("Invalid job id", "COMPLETED")):
        monkeypatch.setenv("SAYS", f"slurm_load_jobs error: {says}")
        provider.resources["7"] = {"job_stdout_path": None, "job_stderr_path": None} | {
            "status": JobStatus(JobState.RUNNING)
        }
        assert provider.status(["7"])[0].state.name == state


def test_a_pin_names_torchs_own_capability(monkeypatch):
    import torch

    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    assert cpu_pin.capability_here() == torch.backends.cpu.get_cpu_capability().lower()
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "AVX2")
    assert cpu_pin.capability_here() == "avx2"


def test_a_node_without_the_pinned_instructions_is_refused(monkeypatch):
    monkeypatch.setattr(cpu_pin, "processor_flags", lambda: frozenset({"avx2", "fma"}))
    assert cpu_pin.unmet_pin() is None
    monkeypatch.setenv(cpu_pin.PIN, "avx2")
    assert cpu_pin.unmet_pin() is None
    monkeypatch.setenv(cpu_pin.PIN, "avx512")
    refusal = cpu_pin.unmet_pin()
    assert refusal is not None and "no avx512bw avx512dq avx512f avx512vl" in refusal
    assert "which the run is pinned to" in refusal


def test_a_node_without_what_the_loops_were_compiled_for_is_refused(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv(cpu_pin.PIN, "default")
    monkeypatch.setenv(cpu_pin.LOOPS, cpu_pin.pinned_environment(cpu_pin.HERE)[cpu_pin.LOOPS])
    assert cpu_pin.unmet_pin() is None
    monkeypatch.setenv(cpu_pin.LOOPS, "+sse2,-avx,+not-yet-made")
    refusal = cpu_pin.unmet_pin()
    assert refusal is not None and "no not-yet-made, which the run is pinned to" in refusal


def test_pinned_loops_are_compiled_as_this_machines_own():
    pytest.importorskip("numba")
    code = (
        "from numba.core.registry import cpu_target as t; c = t.target_context.codegen()\n"
        "print(c.magic_tuple())"
    )
    plain = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_CPU")}

    def target(**more):
        done = subprocess.run([sys.executable, "-c", code], env=plain | more, check=True, capture_output=True)
        return done.stdout

    here = {k: v for k, v in cpu_pin.pinned_environment(cpu_pin.HERE).items() if k.startswith("NUMBA_CPU")}
    assert len(here) == 2 and target(**here) == target()
    assert target(**cpu_pin.LIBRARIES["avx2"]) != target()


def test_nothing_of_parsl_is_needed_to_import_the_settings():
    code = "import sys; sys.modules['parsl'] = None; import training.execution.cluster.parsl_config"
    root = Path(training.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0
