"""Nothing is lost: killed workers and parents, Ctrl-C, damaged files, two commands at once, a variant that fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import INLINE, MARK, Run, command, environment

QUIET = ("--tracking-uri", "none", "--save-every", "0")


def table(ganbench: Run) -> str:
    return ganbench("report", "small", "--format", "csv").stdout


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", "small.yaml", *QUIET, *words),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment(),
        preexec_fn=heed_ctrl_c,
    )  # fmt: skip


def heed_ctrl_c() -> None:
    """A shell makes what it starts in the background deaf to Ctrl-C, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_checkpoint(folder: Path) -> Path:
    """Until a run has a checkpoint to resume from and is past its first mark."""
    for _ in range(1200):
        for path in folder.glob("results/runs/*/checkpoints/last.pt"):
            if (path.parent / f"{MARK}.pt").exists():
                return path.parent.parent
        time.sleep(0.05)
    raise AssertionError("no run got going")


def workers_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def test_a_killed_worker_costs_nothing(ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str) -> None:
    parent = started(tmp_path, "--workers", "1", "--json")
    wait_for_checkpoint(tmp_path)
    for worker in workers_of(parent.pid):
        os.kill(worker, signal.SIGKILL)
    out, err = parent.communicate(timeout=300)
    assert parent.returncode == 0, err
    assert "signal SIGKILL" in err and "tried once more" in err
    assert json.loads(out)["done"] == 4
    assert table(ganbench) == undisturbed


def test_a_killed_parent_costs_nothing(
    ganbench: Run, process: Run, suite: Path, tmp_path: Path, undisturbed: str
) -> None:
    parent = started(tmp_path)
    wait_for_checkpoint(tmp_path)
    orphans = workers_of(parent.pid)
    parent.kill()
    parent.communicate()
    again = process("run", "small.yaml", *QUIET, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["done"] == 4
    assert table(ganbench) == undisturbed
    left = [Path(f"/proc/{orphan}/cmdline") for orphan in orphans if Path(f"/proc/{orphan}").exists()]
    assert not any(b"worker_process" in path.read_bytes() for path in left), "a worker outlived its parent"


def test_ctrl_c_stops_cleanly(ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str) -> None:
    parent = started(tmp_path)
    wait_for_checkpoint(tmp_path)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=300)
    assert parent.returncode == 130, err
    assert "Run the same line again" in err and "Traceback" not in err
    assert ganbench("run", "small.yaml", *QUIET, *INLINE).returncode == 0
    assert table(ganbench) == undisturbed


@pytest.mark.parametrize("module", ["click", "ganbench.cli", "ganbench.suite", "torch", "ganbench.runner.run"])
def test_ctrl_c_while_the_command_starts_ends_it(suite: Path, tmp_path: Path, module: str) -> None:
    """Sent as soon as a module has been imported; the later ones during planning."""
    words = [sys.executable, "-X", "importtime", "-m", "ganbench", "run", "small.yaml", *QUIET]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(), preexec_fn=heed_ctrl_c
    ) as parent:
        assert parent.stderr is not None
        lines = iter(parent.stderr.readline, "")
        assert any(line.rpartition("|")[2].strip() == module for line in lines), "it was never imported"
        parent.send_signal(signal.SIGINT)
        said = [line for line in lines if not line.startswith("import time:")]
    assert parent.returncode == 130 and said[-1].startswith("interrupted") and "Traceback" not in "".join(said), said


def test_ctrl_c_ends_a_suspended_worker(ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str) -> None:
    parent = started(tmp_path, "--workers", "1")
    wait_for_checkpoint(tmp_path)
    workers = workers_of(parent.pid)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=60)
    assert parent.returncode == 130 and "Run the same line again" in err and "Traceback" not in err, err
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert ganbench("run", "small.yaml", *QUIET).returncode == 0
    assert table(ganbench) == undisturbed


NO_ROOM = """\
import sys
from ganbench.executors.parts import process

start = process.Running.start
refused = int(sys.argv[1])

def refuse(own, calls=[]):
    calls.append(own)
    if len(calls) <= refused:
        raise OSError(24, "Too many open files")
    return start(own)

process.Running.start = refuse
sys.argv[1:] = sys.argv[2:]
from ganbench.cli import main
main()
"""


@pytest.mark.parametrize(("refused", "code"), [(1, 0), (2, 1)])
def test_a_worker_that_cannot_start_is_an_outcome(suite: Path, tmp_path: Path, refused: int, code: int) -> None:
    """The other worker does its job; without any worker every run has failed, and can be started again."""
    words = [sys.executable, "-c", NO_ROOM, str(refused), "run", "small.yaml", *QUIET, "--workers", "2", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300)
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["failed"]) == ((4, 0) if code == 0 else (0, 4))
    assert "a worker can't be started: [Errno 24] Too many open files" in done.stderr


READING = '''\
"""Reads stdin, itself and in a child process, and looks for other descriptors that it could read."""
import glob
import os
import subprocess
import sys
from dataclasses import dataclass
from ganbench.variants.ns import NonSaturating

@dataclass(frozen=True, kw_only=True)
class Reading(NonSaturating):
    version = 1
    source = "this test"

    def d_loss(self, net, batch):
        if not glob.glob("results/runs/*/env.json"):  # ganbench tries the component before the first run begins
            return super().d_loss(net, batch)
        heard = sys.stdin.read() + subprocess.run(["cat"], stdout=subprocess.PIPE, text=True).stdout
        listed = subprocess.run(["ls", "-l", "/proc/self/fd"], stdout=subprocess.PIPE, text=True, close_fds=False)
        pipes = [line.split()[-3] for line in listed.stdout.splitlines() if "pipe:" in line]
        if heard or set(pipes) - {"1", "2"}:
            raise ValueError(f"heard {heard!r}, found {pipes}")
        input()
'''


LEAVING = """
if "worker_process" in sys.argv[0]:
    os._exit(7)
"""


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_a_component_that_reads_stdin_gets_nothing(suite: Path, tmp_path: Path, executor: str) -> None:
    (tmp_path / "reading.py").write_text(READING)
    suite.write_text(suite.read_text().replace("[ns, lsgan]", "[reading, ns]") + "plugins: [reading.py]\n")
    words = command("run", "small.yaml", *QUIET, "--executor", executor, "--workers", "1", "--json")
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300, input="not for you\n" * 9
    )
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["failed"]) == (2, 2), done.stderr
    assert done.stderr.count("EOFError: EOF when reading a line") == 2, done.stderr


def test_a_run_that_fails_at_once_can_be_shown(ganbench: Run, suite: Path, tmp_path: Path) -> None:
    """Its worker ends before it writes a file."""
    (tmp_path / "leaving.py").write_text(READING + LEAVING)
    suite.write_text(suite.read_text().replace("[ns, lsgan]", "leaving") + "plugins: [leaving.py]\n")
    assert ganbench("run", "small.yaml", *QUIET, "--workers", "1").returncode == 1
    folders = list(tmp_path.glob("results/runs/*-s*"))
    assert len(folders) == 2 and not any((folder / "spec.json").exists() for folder in folders)
    for folder in folders:
        shown = ganbench("show", folder.name)
        assert shown.returncode == 0 and "the worker died: exit code 7" in shown.stdout, shown.stderr


@pytest.mark.parametrize("loss", ["deleted", "emptied", "terms.jsonl"])
def test_a_folder_that_is_lost_in_mid_run_is_done_again(
    ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str, loss: str
) -> None:
    parent = started(tmp_path, "--workers", "1", "--json")
    folder = wait_for_checkpoint(tmp_path)
    if loss == "terms.jsonl":
        (folder / loss).unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)  # the worker may write a file meanwhile
        folder.mkdir(exist_ok=True) if loss == "emptied" else None
    out, err = parent.communicate(timeout=300)
    assert parent.returncode == 0 and json.loads(out)["done"] == 4, err
    assert "the run is done again" in err
    assert table(ganbench) == undisturbed


def test_two_commands_share_the_work(ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str) -> None:
    first, second = started(tmp_path, "--json"), started(tmp_path, "--json")
    for command_ in (first, second):
        out, err = command_.communicate(timeout=300)
        assert command_.returncode == 0, err
        assert json.loads(out)["done"] == 4
    assert table(ganbench) == undisturbed
    for terms in tmp_path.glob("results/runs/*/terms.jsonl"):
        steps = [json.loads(line)["step"] for line in terms.read_text().splitlines()]
        assert steps == sorted(set(steps)), "two processes wrote into one run"


def test_damaged_files_are_reported_and_redone(ganbench: Run, suite: Path, tmp_path: Path, undisturbed: str) -> None:
    parent = started(tmp_path, "--workers", "1")
    half = wait_for_checkpoint(tmp_path)
    parent.kill()
    parent.communicate()
    time.sleep(1)
    checkpoint = half / "checkpoints" / "last.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    resumed = ganbench("run", "small.yaml", *QUIET, *INLINE)
    assert resumed.returncode == 0 and str(checkpoint) in resumed.stderr, resumed.stderr
    first, second, third, _ = sorted(tmp_path.glob("results/runs/*-ring8-*"))
    (first / "state.json").write_text('{"status": "do')
    (second / "scores.jsonl").write_text((second / "scores.jsonl").read_text()[:-200])
    changed = (third / "scores.jsonl").read_text().replace('"metric": "hq"', '"metric": "hk"', 1)
    (third / "scores.jsonl").write_text(changed)
    redone = ganbench("run", "small.yaml", *QUIET, *INLINE, "--json")
    assert redone.returncode == 0, redone.stderr
    for path in (first / "state.json", second / "scores.jsonl", third / "scores.jsonl"):
        assert str(path) in redone.stderr, "damage is reported with its path"
    assert json.loads(redone.stdout)["skipped"] == 1
    assert table(ganbench) == undisturbed


FAILING = '''\
"""Fails in its tenth step."""
from dataclasses import dataclass
from ganbench.variants.base import Variant

@dataclass(frozen=True, kw_only=True)
class Failing(Variant):
    version = 1
    source = "this test"

    def d_loss(self, net, batch):
        return {"real": -net.d(batch.x).mean()}

    def g_loss(self, net, batch):
        return {"fake": net.d(net.g(batch.z)).mean()}

    def d_steps(self, step):
        if step == 10:
            raise ValueError("the tenth step is too much")
        return 1
'''


def test_a_failing_variant_fails_alone(ganbench: Run, process: Run, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    suite.write_text(suite.read_text().replace("[ns, lsgan]", "[failing, ns]") + "plugins: [failing.py]\n")
    done = process("run", "small.yaml", *QUIET, "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["failed"]) == (2, 2)
    assert "ValueError: the tenth step is too much" in done.stderr and "Traceback" not in done.stderr
    markdown = ganbench("report", "small").stdout
    assert "2 failed" in markdown and "the tenth step is too much" in markdown
    kept = ganbench("run", "small.yaml", *QUIET, *INLINE)
    assert kept.returncode == 1 and "--retry-failed" in kept.stderr
    (tmp_path / "failing.py").write_text(FAILING.replace("step == 10", "False"))
    mended = ganbench("run", "small.yaml", *QUIET, *INLINE, "--json")
    assert json.loads(mended.stdout)["done"] == 4, "a changed file is another component"
