"""Arrays on Slurm that are halved, left alone, followed, shared or refused: the table is that of an undisturbed run."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.cluster.commands import documented
from tests.cluster.processes import (
    PATIENCE,
    QUIET,
    ended_well,
    sessions_of_runs,
    started,
    table,
    wait_for_runs,
    wait_until,
)
from tests.cluster.slurm import Slurm
from tests.e2e import test_out_of_memory as hungry
from tests.e2e.conftest import INLINE, within
from tests.e2e.test_disturbances import FAILING

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("slurmctld") is None, reason="Slurm is not installed: apt-get install slurm-wlm"),
]

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
    slurm.wait_until_saved()
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
