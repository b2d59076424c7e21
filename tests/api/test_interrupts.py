"""Ctrl-C during `ganbench.run`, in a script and in a notebook: the workers save, and the same call continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.client import KernelClient
from jupyter_client.manager import start_new_kernel

import ganbench as gb
from tests.api.conftest import SECTIONS

STEPS = 200_000  # more than a test waits for
SCRIPT = f"""\
import ganbench as gb

sections = {SECTIONS!r}
sections["train"]["steps"] = {STEPS}
sections["evaluate"]["every"] = {STEPS}
suite = gb.Suite("long", **sections)
if __name__ == "__main__":
    gb.run(suite, "results", workers=2, save_every=0, tracking_uri="none")
"""


def await_checkpoint(folder: Path) -> None:
    """Return when some run has saved a checkpoint."""
    for _ in range(1200):
        if list(folder.glob("results/runs/*/checkpoints/last.pt")):
            return
        time.sleep(0.1)
    raise AssertionError("no run has begun")


def reply_to(client: KernelClient, sent: str) -> dict[str, Any]:
    """The content of the kernel's reply to a message."""
    while (reply := client.get_shell_msg(timeout=120))["parent_header"].get("msg_id") != sent:
        pass
    return dict(reply["content"])


def check_paused(folder: Path) -> None:
    """Every run that has begun can be resumed: it is saved, and no process holds it."""
    results = gb.open_results(folder / "results")
    begun = list(results)
    assert begun and all(run.state and run.state.status == "running" and not run.folder.busy() for run in begun)
    assert all(run.folder.checkpoint().is_file() for run in begun)


def test_ctrl_c_in_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [sys.executable, "script.py"]
    script = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    await_checkpoint(tmp_path)
    os.killpg(script.pid, signal.SIGINT)  # as a terminal does: to the script and its workers
    _, err = script.communicate(timeout=120)
    assert "interrupted; finished work is kept" in err and err.rstrip().endswith("KeyboardInterrupt"), err
    assert script.returncode in (130, -signal.SIGINT)
    check_paused(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_interrupt_of_a_notebook(tmp_path: Path) -> None:
    manager, client = start_new_kernel(cwd=str(tmp_path), startup_timeout=120)
    try:
        sent = client.execute(SCRIPT, stop_on_error=False)  # else the kernel drops what comes within 0.1 s of the error
        await_checkpoint(tmp_path)
        manager.interrupt_kernel()
        assert reply_to(client, sent)["ename"] == "KeyboardInterrupt"
        assert reply_to(client, client.execute("40 + 2"))["status"] == "ok"
        check_paused(tmp_path)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
