"""A Ray cluster on the loopback addresses of this machine: the table is that of an undisturbed run, whatever dies."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cluster.commands import documented
from tests.cluster.processes import (
    PATIENCE,
    QUIET,
    ancestors,
    processes,
    sessions_of_runs,
    signal_all,
    started,
    table,
    wait_for_runs,
)
from tests.e2e.conftest import environment

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'ganbench[ray]'"),
]

HEAD = "127.0.0.2:26379"
RAY = str(Path(sys.executable).with_name("ray"))
ATTEMPTS = 3  # at a node: Ray gives it 30 seconds, in which a busy machine may not start it
SMALL = ("--object-store-memory=80000000", "--disable-usage-stats")
HERE = (("suites/quick.yaml", "small.yaml"), ("address=auto", f"address={HEAD}"), ("--workers 8", "--workers 2"))
LINE = (*documented("ray", *HERE), *QUIET)


@dataclass(frozen=True)
class Cluster:
    """A head without CPUs and nodes with one, on addresses of their own."""

    folder: Path

    def head(self) -> None:
        address, _, port = HEAD.partition(":")
        words = documented("ray head", ("6379", port))
        options = ("--num-cpus=0", "--include-dashboard=false", "--include-log-monitor=false")
        self._start(address, words, *options, f"--temp-dir={self.folder}")

    def node(self, address: str, **extra: str) -> None:
        words = documented("ray node", ("HEAD:6379", HEAD))
        self._start(address, words, "--num-cpus=1", **extra)

    def kill(self, *words: str) -> None:
        """Kill the processes whose command lines hold all of these words."""
        signal_all(processes(str(self.folder), *words), signal.SIGKILL)

    def _start(self, address: str, shown: Sequence[str], *options: str, **extra: str) -> None:
        """Start a node. It has no dashboard, and ends when it is killed."""
        words = (RAY, *shown, f"--node-ip-address={address}", *options, *SMALL)
        for _ in range(ATTEMPTS):
            done = subprocess.run(words, capture_output=True, text=True, env=environment() | extra, timeout=PATIENCE)
            if done.returncode == 0:
                return
        pytest.fail(done.stdout + done.stderr)


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


def test_a_node_that_is_killed_costs_nothing_and_one_that_differs_gets_no_jobs(
    cluster: Cluster, long_folder: Path, long_undisturbed: str
) -> None:
    other = cluster.folder / "other" / "torch-0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.1\n")
    cluster.node("127.0.0.3")
    cluster.node("127.0.0.4")
    cluster.node("127.0.0.5", PYTHONPATH=str(other.parent))
    parent = started(long_folder, *LINE)
    wait_for_runs(long_folder, 4)
    cluster.kill("/raylet/raylet", "--node_ip_address=127.0.0.4")
    _, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0 and "Traceback" not in err, err
    assert "(127.0.0.5) gets no jobs: it has ganbench" in err and "torch 0.1, not" in err
    assert "(127.0.0.4) is gone" in err and "is given to another worker" in err, err
    assert table(long_folder) == long_undisturbed
    about = sessions_of_runs(long_folder).values()
    assert all(session["engine_job"].startswith("ray ") and session["host"] for run in about for session in run)
    assert len(about) == 4 and all(1 <= len(run) <= 2 for run in about), "runs of the lost node may have two sessions"
    assert not list(long_folder.glob("results/.probe*"))


def test_the_same_line_goes_on_after_a_killed_worker_and_a_lost_head(
    cluster: Cluster, long_folder: Path, long_undisturbed: str
) -> None:
    cluster.node("127.0.0.3")
    parent = started(long_folder, *LINE)
    wait_for_runs(long_folder, 1)
    workers = workers_below(cluster.folder)
    assert workers
    signal_all(workers, signal.SIGKILL)
    assert parent.stderr is not None
    assert any("the worker died: signal SIGKILL" in line for line in parent.stderr)
    cluster.kill("/gcs/gcs_server")
    _, err = parent.communicate(timeout=60)
    assert parent.returncode == 1 and "run the same line again" in err and "Traceback" not in err, err
    cluster.kill()
    cluster.head()
    cluster.node("127.0.0.3")
    parent = started(long_folder, *LINE)
    _, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0, err
    assert table(long_folder) == long_undisturbed


def workers_below(folder: Path) -> list[int]:
    """The worker processes of ganbench that descend from a node of the cluster with this folder."""
    nodes = set(processes(str(folder), "/raylet/raylet"))
    return [pid for pid in processes("ganbench.runner.worker_process") if nodes & ancestors(pid)]
