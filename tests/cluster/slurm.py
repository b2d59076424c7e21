"""A Slurm of two nodes on this machine, for tests that harm it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.processes import ancestors, processes, signal_all, wait_until

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

    def wait_until_saved(self) -> None:
        """Until the controller has written its state; what it has not written is lost when it crashes."""
        since, array = time.time(), self.asked("squeue", "-h", "-o", "%F").split()[0]
        self.asked("scontrol", "update", f"jobid={array}", "comment=saved")  # it writes after a change only
        wait_until(lambda: (self.folder / "state" / "job_state").stat().st_mtime > since)

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
