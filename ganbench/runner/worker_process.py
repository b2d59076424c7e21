"""The worker process (`python -m ganbench.runner.worker_process FD`): reads jobs from a pipe, writes events to stdout.

Each is a line of JSON; the first line of the pipe, whose descriptor is FD, holds the worker's settings. Components and
the processes that they start get neither pipe: stdin is empty, and what they print goes to stderr. The process does one
job after the other (importing torch takes seconds), ends when the pipe closes (also when the parent is killed), and on
SIGTERM saves the run at its next snapshot and ends.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TextIO

import torch
from threadpoolctl import threadpool_limits

from ganbench.features.memory import free_memory
from ganbench.plugins import Registry
from ganbench.runner import events, job, settings
from ganbench.runner.worker import Stopped, Worker

ORPHANED = 3  # exit code when the parent is gone
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h


def main() -> None:
    """Serve until the pipe closes or SIGTERM comes."""
    lines = os.fdopen(int(sys.argv[1]), encoding="utf-8")
    os.set_inheritable(lines.fileno(), False)
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a component prints must not look like an event
    faulthandler.enable()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which decides
    own = with_memory(settings.decode(lines.readline()))
    _reuse_freed_memory()
    torch.set_num_threads(own.threads)
    threadpool_limits(own.threads, user_api="blas")  # of NumPy's products
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines, jobs), daemon=True).start()

    def emit(event: events.Event) -> None:
        out.write(events.encode(event) + "\n")

    emit(events.Ready())
    _serve(Worker(own, emit, stop.is_set), jobs, stop)


def with_memory(own: settings.WorkerSettings) -> settings.WorkerSettings:
    """Settings with the worker's share of the memory that is free on this machine."""
    if own.memory is None and own.share < 1.0 and (free := free_memory()) is not None:
        return replace(own, memory=int(free * own.share))
    return own


def _reuse_freed_memory() -> None:
    """Freed blocks of up to 32 MiB stay with the process, because the next step asks for them again.

    By default glibc returns them to the system, and a pack of ten digits runs takes a tenth longer. Other C libraries
    have no `mallopt`; nothing changes there.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 2**25)
        libc.mallopt(M_TRIM_THRESHOLD, 2**28)


def _serve(worker: Worker, jobs: queue.SimpleQueue[str], stop: threading.Event) -> None:
    @cache
    def registry() -> Registry:
        return Registry.of(worker.settings.plugins)

    while not stop.is_set():
        try:
            line = jobs.get(timeout=0.2)
        except queue.Empty:
            continue
        try:
            decoded = job.decode(line, registry())
        except Exception as error:  # a plug-in may raise anything
            worker.refuse(job.run_ids(line), error)
        else:
            try:
                worker.fill(decoded)
            except Stopped:
                break
        worker.emit(events.Idle())


def _read(lines: TextIO, jobs: queue.SimpleQueue[str]) -> None:
    """Pass lines on. When the pipe closes the parent is gone or needs no worker: end at once, the files allow it."""
    for line in lines:
        jobs.put(line)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
