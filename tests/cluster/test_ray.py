"""A Ray cluster on the loopback addresses of this machine: the table is that of an undisturbed run, whatever dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import MARK, SUITE, command, environment, undisturbed, within

__all__ = ["undisturbed"]  # a fixture

pytestmark = pytest.mark.cluster

HEAD = "127.0.0.2:26379"
RAY = str(Path(sys.executable).with_name("ray"))
SMALL = ("--object-store-memory=80000000", "--disable-usage-stats")
LINE = ("run", "small.yaml", "--executor", "ray", "--on", f"address={HEAD}", "--workers", "2",
        "--tracking-uri", "none", "--save-every", "0")  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """A head without CPUs and nodes with one, on addresses of their own."""

    folder: Path

    def head(self) -> None:
        address, _, port = HEAD.partition(":")
        self._start(address, "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false",
                    f"--temp-dir={self.folder}", "--include-log-monitor=false")  # fmt: skip

    def node(self, address: str, **extra: str) -> None:
        self._start(address, f"--address={HEAD}", "--num-cpus=1", **extra)

    def kill(self, *words: str) -> None:
        """Kill the processes whose command lines hold all of these words."""
        for pid in processes(str(self.folder), *words):
            os.kill(pid, signal.SIGKILL)

    def _start(self, address: str, *words: str, **extra: str) -> None:
        """Start a node. It has no dashboard, and ends when it is killed."""
        words = (RAY, "start", f"--node-ip-address={address}", *words, *SMALL)
        done = subprocess.run(words, capture_output=True, text=True, env=environment() | extra, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def processes(*words: str) -> list[int]:
    """The processes whose command lines hold all of these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_text()
            found += [int(folder.name)] if all(word in line for word in words) else []
    return found


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # Ray's sockets need a short path
    cluster = Cluster(folder)
    try:
        cluster.head()
        yield cluster
    finally:
        cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*LINE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment()
    )


def wait_for_runs(folder: Path, count: int) -> None:
    """Until so many runs are in progress and past their first mark."""
    for _ in range(2400):
        begun = folder.glob("results/runs/*/checkpoints/last.pt")
        if sum((path.parent / f"{MARK}.pt").exists() for path in begun) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("no run got going")


def table(folder: Path) -> str:
    return within(folder, "report", "small", "--format", "csv").stdout


def test_a_node_that_is_killed_costs_nothing_and_one_that_differs_gets_no_jobs(
    cluster: Cluster, folder: Path, undisturbed: str
) -> None:
    other = cluster.folder / "other" / "torch-0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.1\n")
    cluster.node("127.0.0.3")
    cluster.node("127.0.0.4")
    cluster.node("127.0.0.5", PYTHONPATH=str(other.parent))
    parent = started(folder)
    wait_for_runs(folder, 2)
    cluster.kill("/raylet/raylet", "--node_ip_address=127.0.0.4")
    _, err = parent.communicate(timeout=300)
    assert parent.returncode == 0 and "Traceback" not in err, err
    assert "(127.0.0.5) gets no jobs: it has ganbench" in err and "torch 0.1, not" in err
    assert "(127.0.0.4) is gone" in err and "is given to another worker" in err, err
    assert table(folder) == undisturbed
    about = [json.loads(path.read_text()) for path in folder.glob("results/runs/*/env.json")]
    assert len(about) == 4 and all(env["engine_job"].startswith("ray ") and env["host"] for env in about)
    assert not list(folder.glob("results/.probe*"))


def test_the_same_line_goes_on_after_a_killed_worker_and_a_lost_head(
    cluster: Cluster, folder: Path, undisturbed: str
) -> None:
    cluster.node("127.0.0.3")
    parent = started(folder)
    wait_for_runs(folder, 1)
    workers = workers_below(cluster.folder)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert parent.stderr is not None
    assert any("the worker died: signal SIGKILL" in line for line in parent.stderr)
    cluster.kill("/gcs/gcs_server")
    _, err = parent.communicate(timeout=60)
    assert parent.returncode == 1 and "type the same line again" in err and "Traceback" not in err, err
    cluster.kill()
    cluster.head()
    cluster.node("127.0.0.3")
    parent = started(folder)
    _, err = parent.communicate(timeout=300)
    assert parent.returncode == 0, err
    assert table(folder) == undisturbed


def workers_below(folder: Path) -> list[int]:
    """The worker processes of ganbench that descend from a node of the cluster with this folder."""
    nodes = set(processes(str(folder), "/raylet/raylet"))
    return [pid for pid in processes("ganbench.runner.worker_process") if nodes & ancestors(pid)]


def ancestors(pid: int) -> set[int]:
    """The processes above a process, up to the first that has ended meanwhile."""
    found: set[int] = set()
    with suppress(OSError):
        while pid > 1:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            found.add(pid)
    return found
