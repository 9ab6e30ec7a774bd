"""A real Slurm of a few virtual nodes on this machine, with no trace outside one temporary directory.

Nothing of the system's own Slurm is read or touched: sockets, keys, state, logs and pid files are below one directory,
the ports are free ones, and no service manager is asked. It runs as root or not.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo")
_PREFIX = "lockstep-slurm-"
_START_S = 30.0
_STOP_S = 10.0
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # daemons are seldom on a user's path


def missing() -> list[str]:
    """The programs of Slurm that this machine does not have."""
    return [program for program in PROGRAMS if shutil.which(program, path=_SEARCH) is None]


def program(name: str) -> str:
    found = shutil.which(name, path=_SEARCH)
    assert found is not None, name
    return found


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; all are held at once so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Look again and again until ``holds()``; the seconds that it took. Fails when it takes longer than ``seconds``."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


class PrivateSlurm:
    """A Slurm of ``nodes`` virtual nodes with ``cpus`` CPUs each (more than the machine has, if asked).

    ``environment`` holds what a client program needs to find it.
    """

    def __init__(self, nodes: int = 2, cpus: int = 2) -> None:
        stop_leftovers()
        # Not below pytest's own directory: its parents are closed to others, and munged refuses a socket there.
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.folder.chmod(0o755)
        (self.folder / "owner").write_text(f"{os.getpid()} {_began(os.getpid())}")
        self.names = [f"v{i + 1}" for i in range(nodes)]
        self.cpus = cpus
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        try:
            self._write()
            self._launch()
            wait_until(lambda: self._idle() == len(self.names), _START_S, f"idle nodes\n{self.logs()}")
        except BaseException:
            self.stop()
            raise

    def run(self, *command: str) -> str:
        """Run a client program of this Slurm; its output."""
        return _client(self.folder, *command)

    def jobs(self, states: str = "PENDING,RUNNING,COMPLETING") -> list[str]:
        """Numbers of the jobs in these states, oldest first."""
        return _jobs(self.folder, states)

    def cancel_all(self) -> None:
        """Cancel every job and wait until all are gone."""
        _cancel_all(self.folder)

    def logs(self) -> str:
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def stop(self) -> None:
        """Cancel what runs, stop the daemons, remove the directory. Safe after a start that failed."""
        stop_folder(self.folder)

    def _idle(self) -> int:
        with suppress(subprocess.SubprocessError):
            return int(self.run("sinfo", "-h", "-t", "idle", "-o", "%D").strip() or 0)
        return 0

    def _launch(self) -> None:
        munge, conf = self.folder / "munge", self.folder / "slurm.conf"
        commands = [
            [
                "munged",
                f"--socket={munge}/socket",
                f"--key-file={munge}/key",
                f"--seed-file={munge}/seed",
                f"--pid-file={self.folder}/munged.pid",
                f"--log-file={self.folder}/munged.log",
            ],
            ["slurmctld", "-c", "-f", str(conf)],
            *(["slurmd", "-f", str(conf), "-N", name] for name in self.names),
        ]
        for command in commands:
            # Daemons must not hold the caller's pipes open, nor share its process group (Ctrl-C would end them first).
            subprocess.run(
                [program(command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                timeout=30,
                check=True,
            )

    def _write(self) -> None:
        folder, host, user = self.folder, socket.gethostname().split(".")[0], getpass.getuser()
        munge = folder / "munge"
        munge.mkdir(mode=0o755)
        key = munge / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        (folder / "state").mkdir()
        control, *ports = free_ports(1 + len(self.names))
        settings = {
            "ClusterName": "lockstep",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": control,
            "SlurmUser": user,
            "SlurmdUser": user,
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={munge}/socket",
            "CredType": "cred/munge",
            "ProctrackType": "proctrack/linuxproc",  # cgroups are not ours to make
            "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/none",
            "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=2,bf_interval=2",
            "SlurmdParameters": "config_overrides",  # a virtual node may have more than the machine
            "MpiDefault": "none",
            "SwitchType": "switch/none",
            "ReturnToService": 2,
            "SlurmctldTimeout": 30,
            "SlurmdTimeout": 30,
            "KillWait": 5,
            "StateSaveLocation": folder / "state",
            "SlurmdSpoolDir": folder / "spool-%n",
            "TmpFS": folder,
            "SlurmctldPidFile": folder / "slurmctld.pid",
            "SlurmdPidFile": folder / "slurmd-%n.pid",
            "SlurmctldLogFile": folder / "slurmctld.log",
            "SlurmdLogFile": folder / "slurmd-%n.log",
        }
        lines = [f"{name}={value}" for name, value in settings.items()]
        for name, port in zip(self.names, ports, strict=True):
            (folder / f"spool-{name}").mkdir()
            lines.append(
                f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={self.cpus} RealMemory=16000"
            )
        lines.append(f"PartitionName=batch Nodes={','.join(self.names)} Default=YES MaxTime=INFINITE State=UP")
        (folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        (folder / "cgroup.conf").write_text("CgroupPlugin=autodetect\nConstrainCores=no\nConstrainRAMSpace=no\n")


def _client(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        env={**os.environ, "SLURM_CONF": str(folder / "slurm.conf")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def _jobs(folder: Path, states: str) -> list[str]:
    return sorted(_client(folder, "squeue", "-h", "-o", "%i", "-t", states).split(), key=int)


def _cancel_all(folder: Path) -> None:
    _client(folder, "scancel", "--user", getpass.getuser())
    wait_until(lambda: not _jobs(folder, "PENDING,RUNNING,COMPLETING"), _STOP_S, "jobs cancelled")


def stop_folder(folder: Path) -> None:
    """Cancel the jobs, stop the daemons whose pid files lie in a folder, then remove it."""
    running = [(int(file.read_text()), _name(file)) for file in folder.glob("*.pid")]
    running = [(process, name) for process, name in running if _is(process, name)]
    if "slurmctld" in (name for _, name in running):
        with suppress(subprocess.SubprocessError, OSError, AssertionError):
            _cancel_all(folder)
    # Their state is thrown away, so none of them need write it: an orderly end takes Slurm 7 s.
    for process, name in running:
        if _is(process, name):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def _name(pid_file: Path) -> str:
    return pid_file.stem.split("-")[0]


def stop_leftovers() -> None:
    """Stop what a test run that was killed left behind: folders whose owner is no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(ValueError, OSError):
            owner, began = (folder / "owner").read_text().split()
            if folder.stat().st_uid == os.getuid() and _began(int(owner)) != began:
                stop_folder(folder)


def _began(process: int) -> str:
    """When a process began, in ticks: it tells a number that was given away again. Empty if there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def is_running(process: int) -> bool:
    """Whether a process runs; one that has ended and was not yet asked for its exit code does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _is(process: int, name: str) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip() == name
    except OSError:
        return False
