"""Ctrl-C. Until runs are in progress a command ends at once; then the workers are asked to save and to stop first.

Standard library only: Ctrl-C is heeded while everything else is imported. An exception would not do then, because
Python drops one that is raised in a callback of an import or of the garbage collector.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130  # the exit code


def end_at_once() -> None:
    """From now on, Ctrl-C ends the process with a message. Whatever is being written is replaced atomically."""
    if is_heeded():
        signal.signal(signal.SIGINT, lambda *_: leave("interrupted\n"))


def leave(text: str = "") -> NoReturn:
    """End the process now, without the clean-up of threads and libraries, which may raise or wait."""
    with suppress(OSError):  # nobody reads stderr any more
        os.write(2, text.encode())
    os._exit(INTERRUPTED)


def is_heeded() -> bool:
    """Handlers can be set in the main thread only; a command in the background of a shell ignores Ctrl-C."""
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGINT) != signal.SIG_IGN
