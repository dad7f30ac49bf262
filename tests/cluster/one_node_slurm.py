"""A Slurm of one node on 127.0.0.1, for tests: all its state in one folder, every daemon ended by its own id.

    python tests/cluster/one_node_slurm.py start FOLDER    prints the line of shell that selects it
    python tests/cluster/one_node_slurm.py stop FOLDER

Needs slurm-wlm and munge (Debian), no systemd, control groups or database. Ports are free ones, so several
run side by side.
"""

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
"""Daemons, in the order in which they start."""
COMMANDS = (*DAEMONS, "sbatch", "squeue", "scancel", "sinfo")
LONGEST_FOLDER = 60
"""Characters of the folder's path: sockets lie below it, whose paths may have 107."""
START_SECONDS, STOP_SECONDS = 30, 20

CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=5
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class NoSlurm(Exception):
    """Slurm is not to be had here; the message says why."""


def why_not():
    """Return why this machine cannot run a Slurm of its own, None if it can."""
    if missing := [name for name in COMMANDS if shutil.which(name, path=search_path()) is None]:
        return f"not installed: {', '.join(missing)} (Debian: apt-get install slurm-wlm munge)"
    return None


def search_path():
    """Return the PATH, with the folders of daemons."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class OneNodeSlurm:
    """A Slurm whose state lies in a folder.

    Parameters
    ----------
    folder : Path
        Short, absolute path.
    cpus : int
        Processors that it hands out; more than the machine has are allowed.
    """

    def __init__(self, folder, cpus=None):
        self.folder, self.cpus = Path(folder).absolute(), cpus or os.cpu_count()
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": search_path()}

    def start(self):
        """Start the daemons, and wait until the node takes jobs."""
        if reason := why_not():
            raise NoSlurm(reason)
        if len(str(self.folder)) > LONGEST_FOLDER:
            raise NoSlurm(f"{self.folder}: a path of at most {LONGEST_FOLDER} characters is needed")
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self._write_config()
        try:
            self._munged()
            self._daemon("slurmctld", "-f", self.environment["SLURM_CONF"])
            self._daemon("slurmd", "-f", self.environment["SLURM_CONF"])
            self._await_node()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Cancel every job, then end each daemon by its own process id."""
        if (self.folder / "slurmctld.pid").exists():
            self.cancel_all()
        for name in reversed(DAEMONS):
            file = self.folder / f"{name}.pid"
            if (pid := pid_in(file)) is not None and name in command_name(pid):
                end(pid)
            file.unlink(missing_ok=True)

    def pids(self):
        """Return the process ids of the daemons that run, by name."""
        found = {name: pid_in(self.folder / f"{name}.pid") for name in DAEMONS}
        return {name: pid for name, pid in found.items() if pid is not None and command_name(pid)}

    def jobs(self):
        """Return the ids of the jobs that wait or run."""
        return self.command("squeue", "--noheader", "--format=%i").split()

    def cancel_all(self):
        """Cancel every job, and wait until none is left."""
        with contextlib.suppress(subprocess.SubprocessError):
            until = time.monotonic() + STOP_SECONDS
            while (jobs := self.jobs()) and time.monotonic() < until:
                self.command("scancel", *jobs)
                time.sleep(0.2)

    def command(self, *words):
        """Run a command of this Slurm, and return what it prints."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            words, env=environment, check=True, capture_output=True, text=True, timeout=START_SECONDS
        )
        return done.stdout

    def _write_config(self):
        values = {"folder": self.folder, "user": own_name(), "cpus": self.cpus}
        values |= {"host": socket.gethostname().partition(".")[0]}
        values["controller_port"], values["node_port"] = free_ports(2)
        (self.folder / "slurm.conf").write_text(CONFIG.format(**values))
        version = re.search(r"(\d+)\.", self.command("slurmd", "-V"))
        if version and int(version[1]) >= 23:  # before, nothing that is set here asks for control groups
            (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")

    def _munged(self):
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(1024))
        files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder / 'munge'}.{suffix}" for option, suffix in files.items()]
        options[1] = f"--pid-file={self.folder / 'munged.pid'}"
        self._daemon("munged", "--force", f"--key-file={key}", "--num-threads=2", *options)

    def _daemon(self, name, *options):
        """Start a daemon, which goes into the background, and wait for its process id."""
        file = self.folder / f"{name}.pid"
        file.unlink(missing_ok=True)
        log = self.folder / f"{name}.out"
        with log.open("w") as output:
            code = subprocess.run(
                [name, *options],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=START_SECONDS,
            ).returncode
        until = time.monotonic() + START_SECONDS
        while code == 0 and pid_in(file) is None and time.monotonic() < until:
            time.sleep(0.02)
        if pid_in(file) is None:
            raise NoSlurm(f"{name} did not start: {self._last_words(name)}")

    def _await_node(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(subprocess.SubprocessError):
                if re.search("idle|mix|alloc", self.command("sinfo", "--noheader", "--format=%T")):
                    return
            time.sleep(0.05)
        raise NoSlurm(f"the node did not come up: {self._last_words('slurmctld')}")

    def _last_words(self, name):
        files = [self.folder / f"{name}.{suffix}" for suffix in ("out", "log")]
        lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
        return lines[-1] if lines else "it said nothing"


@contextlib.contextmanager
def running_slurm(cpus=None):
    """Run a Slurm in a folder of its own, with this process's commands going to it."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    slurm = OneNodeSlurm(folder, cpus)
    before = {name: os.environ.get(name) for name in slurm.environment}
    try:
        slurm.start()
        os.environ |= slurm.environment
        yield slurm
    finally:
        slurm.stop()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder)


def free_ports(n):
    """Return ports of 127.0.0.1 that nothing listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def own_name():
    """Return this user's name."""
    return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()


def pid_in(file):
    """Return the process id in a file, None if it holds none."""
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text.isdecimal() else None


def command_name(pid):
    """Return the command of a process, nothing once it has ended."""
    with contextlib.suppress(OSError):
        if ") Z " not in Path(f"/proc/{pid}/stat").read_text():
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def end(pid):
    """End a process: by SIGTERM, and if it stays by SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + STOP_SECONDS
        while command_name(pid) and time.monotonic() < until:
            time.sleep(0.05)


def main():
    """Start or stop a Slurm in a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["start", "stop", "status"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpus", type=int, help="processors to hand out (default: this machine's)")
    options = parser.parse_args()
    slurm = OneNodeSlurm(options.folder, options.cpus)
    try:
        if options.what == "start":
            slurm.start()
            print(f"export SLURM_CONF={slurm.environment['SLURM_CONF']}")
        elif options.what == "stop":
            slurm.stop()
        else:
            print("\n".join(f"{name} {pid}" for name, pid in slurm.pids().items()) or "nothing runs")
    except NoSlurm as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
