"""A Slurm of two nodes on this machine: the table is that of an undisturbed run, whatever happens to the pilots."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.conftest import ancestors, kill, processes, started, table, wait_for_runs, wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("slurmctld") is None, reason="Slurm is not installed: apt-get install slurm-wlm"),
]

NODES = ("n1", "n2")
CONFIGURATION = """\
ClusterName=loop
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/log/slurmd-%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=5
MessageTimeout=2
KillWait=5
MinJobAge=300
JobRequeue=1
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=1000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=1000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""
LINE = ("run", "small.yaml", "--executor", "slurm", "--on", "partition=main", "--on", "time=60", "--workers", "2",
        "--tracking-uri", "none", "--save-every", "0")  # fmt: skip


@dataclass
class Slurm:
    """A controller and two nodes with a CPU each."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def configure(self) -> None:
        for name in ("state", "log", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        text = CONFIGURATION.format(folder=self.folder, ports=free_ports(3))
        (self.folder / "slurm.conf").write_text(text)

    def start(self, name: str) -> None:
        """Start the controller, or the daemon of a node."""
        words = ("slurmctld", "-D", "-i") if name == "slurmctld" else ("slurmd", "-D", "-N", name)
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(words, env=os.environ | self.variables, stdout=log, stderr=log)

    def crash(self, name: str) -> int:
        """Kill a daemon and, on a node, all that runs there; how many processes of ganbench that were."""
        job = self.asked("squeue", "-h", "-w", name, "-o", "%A").strip() if name in NODES else ""
        steps = [pid for pid in processes("slurmstepd:", f"[{job}.") if self.holds(pid)] if job else []
        below = [pid for pid in processes("ganbench") if ancestors(pid).intersection(steps)]
        kill([self.daemons[name].pid, *steps, *below])
        self.daemons.pop(name).wait()
        return len(below)

    def asked(self, *words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ | self.variables, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ids(self) -> set[str]:
        """The jobs that have not been forgotten, ended ones too."""
        return set(self.asked("squeue", "-h", "-t", "all", "-o", "%F").split())

    def wait_until_idle(self) -> None:
        wait_until(lambda: self.asked("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"])

    def close(self) -> None:
        for name in tuple(self.daemons):
            kill([self.daemons[name].pid])
            self.daemons.pop(name).wait()
        kill([pid for pid in (*processes("slurmstepd"), *processes("ganbench")) if self.holds(pid)])

    def holds(self, pid: int) -> bool:
        """Whether a process was started by this Slurm, by its variables."""
        with suppress(OSError):
            return f"SLURM_CONF={self.folder}/".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        return False


def free_ports(count: int) -> list[int]:
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [server.getsockname()[1] for server in found]
    finally:
        for server in found:
            server.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = Slurm(folder)
    cluster.configure()
    try:
        for name in ("slurmctld", *NODES):
            cluster.start(name)
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def slurm(cluster: Slurm) -> Iterator[Slurm]:
    wait_until(lambda: bool(cluster.asked("sinfo", "-h")))
    cluster.wait_until_idle()
    yield cluster
    cluster.asked("scancel", "--full", "--user", "root")


def ended_well(parent: subprocess.Popen[str]) -> str:
    """What the command said."""
    _, err = parent.communicate(timeout=300)
    assert parent.returncode == 0 and "Traceback" not in err, err
    return err


def test_the_runs_of_a_node_that_crashes_go_on_elsewhere(slurm: Slurm, folder: Path, undisturbed: str) -> None:
    parent = started(folder, *LINE, **slurm.variables)
    wait_for_runs(folder, 4)
    assert slurm.crash("n2") == 2, "a pilot and its worker"
    ended_well(parent)
    assert table(folder) == undisturbed
    assert not list(folder.glob("results/slurm/*"))
    slurm.start("n2")


def test_a_pilot_that_is_requeued_or_preempted_goes_on(slurm: Slurm, folder: Path, undisturbed: str) -> None:
    parent = started(folder, *LINE, **slurm.variables)
    wait_for_runs(folder, 4)
    on = dict(line.split() for line in slurm.asked("squeue", "-h", "-t", "R", "-o", "%N %A").splitlines())
    slurm.asked("scontrol", "requeue", on["n1"])
    slurm.asked("sbatch", "-p", "urgent", "-w", "n2", "--wrap", "true", f"--output={folder}/urgent.log")
    ended_well(parent)
    assert table(folder) == undisturbed
    for job in on.values():
        assert "Restarts=1" in slurm.asked("scontrol", "show", "job", job)


def test_ctrl_c_leaves_no_job_and_a_detached_one_is_followed(slurm: Slurm, folder: Path, undisturbed: str) -> None:
    parent = started(folder, *LINE, **slurm.variables)
    wait_for_runs(folder, 2)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=120)
    assert parent.returncode == 130 and "Traceback" not in err, err
    assert not slurm.asked("squeue", "-h", "-t", "R,PD") and not list(folder.glob("results/slurm/*"))
    before = slurm.ids()
    err = ended_well(started(folder, *LINE, "--detach", **slurm.variables))
    assert "does 4 runs; type the same line without --detach to follow them" in err
    parents = [started(folder, *LINE, **slurm.variables) for _ in range(2)]
    slurm.crash("slurmctld")
    slurm.start("slurmctld")
    wait_until(lambda: any(folder.glob("results/slurm/*/beat")))
    parents[0].kill()
    parents[0].communicate()
    ended_well(parents[1])
    assert table(folder) == undisturbed
    assert len(slurm.ids() - before) == 1, "nothing was submitted twice"


def test_a_node_that_differs_gets_no_jobs(slurm: Slurm, folder: Path, undisturbed: str) -> None:
    other = folder / "other" / "torch-0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.1\n")
    there = "os.environ.get('SLURMD_NODENAME') == 'n2'"
    (folder / "sitecustomize.py").write_text(
        f"import os, sys\nif {there}:\n    sys.path.insert(0, {str(other.parent)!r})\n"
    )
    err = ended_well(started(folder, *LINE, **slurm.variables, PYTHONPATH=str(folder)))
    assert "n2 gets no jobs: it has ganbench" in err and "torch 0.1, not" in err
    assert table(folder) == undisturbed
