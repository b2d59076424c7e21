"""The worker process (`python -m ganbench.runner.worker_process`): JSON jobs on stdin, JSON events on stdout.

The first line says where to work. The process lives on from job to job (importing torch takes seconds), ends when stdin
closes (also when the parent is killed), and on SIGTERM saves the run at its next snapshot and ends.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

import torch

from ganbench.plugins import Registry
from ganbench.results.store import Store
from ganbench.runner.job import decode
from ganbench.runner.worker import Context, Stopped, fill

ORPHANED = 3  # exit code when the parent is gone


def main() -> None:
    """Serve until stdin closes or SIGTERM comes."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a component prints must not look like an event
    faulthandler.enable()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which decides
    settings = json.loads(sys.stdin.readline())
    torch.set_num_threads(settings["threads"])
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    context = _context(settings, events, stop)
    registry = Registry.of(tuple(map(Path, settings["plugins"])))
    context.emit({"event": "ready"})
    while not stop.is_set():
        try:
            line = jobs.get(timeout=0.2)
        except queue.Empty:
            continue
        try:
            fill(decode(json.loads(line), registry), context)
        except Stopped:
            break
        context.emit({"event": "idle"})


def _context(settings: dict[str, Any], events: TextIO, stop: threading.Event) -> Context:
    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")

    return Context(
        store=Store(Path(settings["results"])),
        data_root=Path(settings["data"]) if settings["data"] else None,
        device=settings["device"],
        emit=emit,
        inception=Path(settings["inception"]) if settings["inception"] else None,
        save_every=settings["save_every"],
        stopping=stop.is_set,
    )


def _read(jobs: queue.SimpleQueue[str]) -> None:
    """Pass lines on; when stdin closes the parent is gone or done with us, so end at once: the files allow it."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
