"""A Slurm of two nodes on this machine: the table is that of an undisturbed run, whatever happens to the pilots."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.commands import documented
from tests.cluster.conftest import (
    PATIENCE,
    QUIET,
    ancestors,
    processes,
    sessions_of_runs,
    signal_all,
    started,
    table,
    wait_for_runs,
    wait_until,
)
from tests.e2e import test_out_of_memory as hungry
from tests.e2e.conftest import INLINE, within
from tests.e2e.test_disturbances import FAILING

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
SMALL = ("suites/quick.yaml", "small.yaml")
LINE = (*documented("slurm", SMALL), *QUIET)
HERE = (SMALL, ("--on time=4:00:00", "--on partition=main --on time=60"), ("--workers 16", "--workers 2"))
DETACHED = (*documented("detached", *HERE), *QUIET)

WAIT = """\
        while "worker_process" in sys.argv[0] and Path("gate").exists():
            time.sleep(0.05)
        return super().d_loss
"""
HUNGRY = hungry.PLUGIN.replace("import sys", "import sys, time").replace("        return super().d_loss", WAIT.rstrip())


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
        steps, below = self.on(name)
        signal_all([self.daemons[name].pid, *steps, *below], signal.SIGKILL)
        self.daemons.pop(name).wait()
        return len(below)

    def on(self, name: str) -> tuple[list[int], list[int]]:
        """The steps of jobs on a node, and the processes of ganbench in them; the controller has none."""
        job = self.asked("squeue", "-h", "-w", name, "-o", "%A").strip() if name in NODES else ""
        steps = [pid for pid in processes("slurmstepd:", f"[{job}.") if self.holds(pid)] if job else []
        return steps, [pid for pid in processes("ganbench") if ancestors(pid).intersection(steps)]

    def task_on(self, name: str) -> str:
        """The task of an array that is running on a node, as `1_0`."""
        return self.asked("squeue", "-h", "-t", "R", "-w", name, "-o", "%i").strip()

    def minutes(self, task: str) -> int:
        """The minutes for which a task has been running."""
        *hours, minutes, _ = self.asked("squeue", "-h", "-j", task, "-o", "%M").strip().split(":")
        return int(minutes) + 60 * int(*hours or "0")

    def limit(self, task: str, minutes: int) -> None:
        self.asked("scontrol", "update", f"jobid={task}", f"timelimit={minutes}")

    def restarts(self, task: str) -> int:
        """How often Slurm has started a task again."""
        (count,) = re.findall(r"Restarts=(\d+)", self.asked("scontrol", "show", "job", task))
        return int(count)

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
            signal_all([self.daemons[name].pid], signal.SIGKILL)
            self.daemons.pop(name).wait()
        left = [pid for pid in (*processes("slurmstepd"), *processes("ganbench")) if self.holds(pid)]
        signal_all(left, signal.SIGKILL)

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
    _, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0 and "Traceback" not in err, err
    return err


def test_the_runs_of_a_node_that_crashes_go_on_elsewhere(
    slurm: Slurm, long_folder: Path, long_undisturbed: str
) -> None:
    parent = started(long_folder, *LINE, **slurm.variables)
    wait_for_runs(long_folder, 4)
    assert slurm.crash("n2") == 2, "a pilot and its worker"
    ended_well(parent)
    assert table(long_folder) == long_undisturbed
    assert not list(long_folder.glob("results/slurm/*"))
    slurm.start("n2")


def test_a_pilot_that_is_requeued_or_preempted_goes_on(slurm: Slurm, long_folder: Path, long_undisturbed: str) -> None:
    parent = started(long_folder, *LINE, **slurm.variables)
    wait_for_runs(long_folder, 4)
    tasks = [slurm.task_on(node) for node in NODES]
    slurm.asked("scontrol", "requeue", tasks[0])
    slurm.asked("sbatch", "-p", "urgent", "-w", "n2", "--wrap", "true", f"--output={long_folder}/urgent.log")
    ended_well(parent)
    assert table(long_folder) == long_undisturbed
    assert [slurm.restarts(task) for task in tasks] == [1, 1]


def test_a_pilot_saves_before_its_time_limit_and_is_queued_again(
    slurm: Slurm, long_folder: Path, long_undisturbed: str
) -> None:
    """The limit is lowered while the workers are suspended, so that it comes before they are done.

    Slurm looks at limits every 30 seconds, and sends the signal that the pilots ask for a minute before the end.
    """
    parent = started(long_folder, *LINE, **slurm.variables)
    wait_for_runs(long_folder, 4)
    signal_all([pid for pid in processes("ganbench.runner.worker_process") if slurm.holds(pid)], signal.SIGSTOP)
    tasks = [slurm.task_on(node) for node in NODES]
    for task in tasks:
        slurm.limit(task, slurm.minutes(task) + 2)
    for task in tasks:
        wait_until(lambda task=task: slurm.restarts(task) == 1)  # type: ignore[misc]
        slurm.limit(task, 60)
    ended_well(parent)
    assert table(long_folder) == long_undisturbed
    assert {len(sessions) for sessions in sessions_of_runs(long_folder).values()} == {2}


def test_a_node_that_was_frozen_and_wakes_up_writes_nothing(
    slurm: Slurm, long_folder: Path, long_undisturbed: str
) -> None:
    """A file server ends the locks of a frozen machine; here their files are removed."""
    parent = started(long_folder, *LINE, **slurm.variables)
    wait_for_runs(long_folder, 4)
    steps, below = slurm.on("n2")
    frozen = [slurm.daemons["n2"].pid, *steps, *below]
    locks = long_folder / "results" / "runs" / ".locks"
    signal_all(frozen, signal.SIGSTOP)
    owned = [file for file in locks.glob("*.owner") if int(file.read_text().split()[1]) in below]
    tokens = {file: file.read_text() for file in owned}
    assert len(owned) == 2, "the runs of a pack"
    wait_until(lambda: slurm.asked("sinfo", "-h", "-n", "n2", "-o", "%T").startswith("down"))
    for file in owned:
        file.with_suffix(".lock").unlink()
    wait_until(lambda: all(file.exists() and file.read_text() != token for file, token in tokens.items()))
    signal_all(frozen, signal.SIGCONT)
    ended_well(parent)
    assert table(long_folder) == long_undisturbed
    sessions = sessions_of_runs(long_folder)
    assert {len(sessions[file.stem]) for file in owned} == {2}, "the run went on elsewhere"


def test_a_pack_that_was_halved_stays_so_when_its_array_ends(slurm: Slurm, folder: Path) -> None:
    """Beside it runs fail. The halves wait at the file `gate`; the table is that of runs without packs."""
    (folder / "hungry.py").write_text(HUNGRY)
    (folder / "failing.py").write_text(FAILING)
    text = hungry.SUITE.replace("[ns, hungry]", "[failing, hungry]").replace("[hungry.py]", "[hungry.py, failing.py]")
    (folder / "small.yaml").write_text(text)
    (folder / "memory").write_text("packs")
    (folder / "gate").touch()
    parent = started(folder, *LINE, **slurm.variables)
    wait_until(lambda: 1 in {len(run[-1]["pack"]) for run in sessions_of_runs(folder).values()})
    array = slurm.asked("squeue", "-h", "-o", "%F").split()[0]
    slurm.asked("scancel", "--signal=KILL", "--full", array)
    (folder / "gate").unlink()
    _, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 1 and "Traceback" not in err, err
    assert "ended before all runs were done" in err and err.count("tried again in packs of half the seeds") == 1, err
    assert err.count("the tenth step is too much") == 2, "the runs of the other variant, no more"
    single = ("--pack", "1", "--results", "single")
    assert within(folder, "run", "small.yaml", "--tracking-uri", "none", *INLINE, *single).returncode == 1
    halved = table(folder)
    assert halved == within(folder, "report", "small", "--format", "csv", *single[2:]).stdout
    assert halved.count("hungry") > 2


def test_ctrl_c_leaves_no_job_and_a_detached_one_is_followed(
    slurm: Slurm, long_folder: Path, long_undisturbed: str
) -> None:
    parent = started(long_folder, *LINE, **slurm.variables)
    wait_for_runs(long_folder, 2)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=120)
    assert parent.returncode == 130 and "Traceback" not in err, err
    assert not slurm.asked("squeue", "-h", "-t", "R,PD") and not list(long_folder.glob("results/slurm/*"))
    before = slurm.ids()
    err = ended_well(started(long_folder, *DETACHED, **slurm.variables))
    assert "does 4 runs; run the same line without --detach to follow them" in err
    parents = [started(long_folder, *LINE, **slurm.variables) for _ in range(2)]
    # only then: Slurm holds a job whose launch it could not finish
    wait_until(lambda: len(slurm.asked("squeue", "-h", "-r", "-t", "R").splitlines()) == 2)
    wait_until(lambda: any(long_folder.glob("results/slurm/*/beat")))
    slurm.crash("slurmctld")
    slurm.start("slurmctld")
    parents[0].kill()
    parents[0].communicate()
    ended_well(parents[1])
    assert table(long_folder) == long_undisturbed
    assert len(slurm.ids() - before) == 1, "nothing was submitted twice"


def test_the_tasks_of_a_plain_array_share_the_work_by_the_locks(
    slurm: Slurm, long_folder: Path, long_undisturbed: str
) -> None:
    """One is preempted; as documented, the line is typed once more for what is left then."""
    run = ("ganbench run", f"{sys.executable} -m ganbench run --save-every 0")
    words = documented("array", SMALL, ("0-3", "0-1"), ("4:00:00", "60"), run)
    slurm.asked("sbatch", f"--chdir={long_folder}", "--output=log.%a", *words)
    wait_for_runs(long_folder, 4)
    slurm.asked("sbatch", "-p", "urgent", "-w", "n2", "--wrap", "true", f"--output={long_folder}/urgent.log")
    wait_until(lambda: not slurm.asked("squeue", "-h", "-o", "%A"))
    before = sessions_of_runs(long_folder)
    again = within(long_folder, "run", "small.yaml", "--tracking-uri", "none")
    assert again.returncode == 0 and len(before) == 4, again.stderr
    assert table(long_folder) == long_undisturbed


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
