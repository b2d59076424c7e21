"""Pilots on Slurm that are killed, queued again, ended or frozen: the table is that of an undisturbed run."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.cluster.commands import documented
from tests.cluster.processes import (
    QUIET,
    ended_well,
    processes,
    sessions_of_runs,
    signal_all,
    started,
    table,
    wait_for_runs,
    wait_until,
)
from tests.cluster.slurm import NODES, Slurm

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("slurmctld") is None, reason="Slurm is not installed: apt-get install slurm-wlm"),
]

LINE = (*documented("slurm", ("suites/quick.yaml", "small.yaml")), *QUIET)


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
