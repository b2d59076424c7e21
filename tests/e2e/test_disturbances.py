"""Nothing is lost: killed workers and parents, Ctrl-C, damaged files, two commands at once, a variant that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

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
