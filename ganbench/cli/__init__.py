"""The command line: parses, calls, prints. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys

import click

from ganbench import __version__
from ganbench.cli import reading, running, scoring
from ganbench.cli.exit_codes import FAILED, INTERRUPTED, WRONG
from ganbench.errors import GanbenchError, RequestError


def main() -> None:
    """The console command: a wrong request prints its message without a traceback and exits with 2."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = WRONG
    except RequestError as error:
        click.echo(str(error), err=True)
        code = WRONG
    except GanbenchError as error:
        click.echo(str(error), err=True)
        code = FAILED
    except BrokenPipeError:  # `ganbench report | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganbench")
def cli() -> None:
    """Which GAN objective trains stably, on which data, with which optimizer and batch norm, and how sure are we?

    \b
    Examples:
      ganbench run suites/quick.yaml                    a first table in under a minute
      ganbench run suites/stability.yaml --dry-run      what would run, and what is excluded and why
      ganbench report stability --format latex          the table of a paper
      ganbench list variants                            what there is to compare

    Data sets that are not embedded are read from the folder that GANBENCH_DATA names.
    """


COMMANDS = (
    *(running.run, running.watch, running.check, running.tune, running.sync, running.fetch),
    *(reading.report, reading.show, reading.list_, reading.schema, reading.cite),
    *(scoring.evaluate, scoring.parity, scoring.cache),
)
for command in COMMANDS:
    cli.add_command(command)
