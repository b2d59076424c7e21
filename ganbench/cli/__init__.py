"""The command line: one module for each command, which parses its options, calls the package and prints the answer.

A module `NAME.py` defines the click command `NAME` (`list_.py` defines `list_`, because `list` is a builtin) and is
named in `COMMANDS`. Modules import torch, pandas, rich and the like inside their functions, so that `--help` is quick.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module

import click

from ganbench import __version__
from ganbench.cli.exit_codes import FAILED, INTERRUPTED, WRONG
from ganbench.cli.terminal import note, note_usage
from ganbench.errors import GanbenchError, RequestError
from ganbench.guard.interrupts import end_at_once, leave

COMMANDS = (
    *("run", "report", "tune", "watch", "show", "check", "new", "evaluate", "sample", "export"),
    *("list_", "schema", "cite", "parity", "cache", "sync", "merge", "archive", "fetch"),
)


def main() -> None:
    """Run the console command. A user's mistake prints a message without a traceback; the exit code says the rest."""
    end_at_once()
    _empty_stdin()
    _replace_what_cannot_be_shown()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        note("interrupted")
        code = INTERRUPTED
    except click.ClickException as error:
        note_usage(error)
        code = WRONG
    except RequestError as error:
        note(str(error))
        code = WRONG
    except GanbenchError as error:
        note(str(error))
        code = FAILED
    except BrokenPipeError:  # `ganbench report | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except OSError as error:  # a full or read-only disk, among others
        note(f"{error.filename or 'ganbench'}: {error.strerror or error}")
        code = FAILED
    _drop_what_cannot_be_written()
    if code == INTERRUPTED:
        leave()
    sys.exit(code if isinstance(code, int) else 0)


def _replace_what_cannot_be_shown() -> None:
    """Let a character that the terminal's encoding lacks be shown as `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop_what_cannot_be_written() -> None:
    """Forget the rest of an output that goes to a full disk, which Python would try to write once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _empty_stdin() -> None:
    """No command reads stdin, and a component must not: in a shell's loop it would eat the lines of the loop.

    A terminal stays, so that a debugger works with `--executor inline`.
    """
    if not os.isatty(0):
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganbench")
def cli() -> None:
    """Which GAN objective trains stably, on which data, with which optimizer and batch norm, and how sure are we?

    \b
    Examples:
      ganbench run suites/quick.yaml                    print a first table in under a minute
      ganbench run suites/stability.yaml --dry-run      show what would run, and what is excluded and why
      ganbench report stability --format latex          print the tables for a paper
      ganbench list variants                            list the objectives that you can compare

    GANBENCH_DATA names the folder with the data sets that do not come with ganbench.
    """


for module in COMMANDS:
    cli.add_command(getattr(import_module(f"ganbench.cli.{module}"), module))
