"""Every command is registered, and its options are the fields of the dataclass that it takes."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
from click.testing import CliRunner

import ganbench.cli
from ganbench.cli import COMMANDS, cli

HERE = Path(ganbench.cli.__file__).parent


def test_every_module_that_defines_a_command_is_registered() -> None:
    command = re.compile(r"^@click\.(command|group)\(", re.MULTILINE)
    modules = {path.stem for path in HERE.glob("*.py") if command.search(path.read_text())}
    assert modules - {"__init__"} == set(COMMANDS)
    assert set(cli.commands) == {name.rstrip("_") for name in COMMANDS}


def test_the_list_of_commands_cuts_no_sentence() -> None:
    """On a terminal of 80 columns, where click ends what does not fit with three dots."""
    listed = CliRunner().invoke(cli, ["--help"], terminal_width=80, max_content_width=80).output
    assert "watch " in listed and "..." not in listed.partition("Commands:")[2]


@pytest.mark.parametrize("module", ["run", "tune", "check", "report", "evaluate", "sample", "export", "sync"])
def test_options_are_the_fields_of_one_dataclass(module: str) -> None:
    command = getattr(import_module(f"ganbench.cli.{module}"), module)
    (options,) = (kind for name, kind in get_type_hints(command.callback.__wrapped__).items() if name != "return")
    assert is_dataclass(options) and list(inspect.signature(command.callback.__wrapped__).parameters) == ["options"]
    assert {field.name for field in fields(options)} == {parameter.name for parameter in command.params}
    assert options.__dataclass_params__.frozen  # type: ignore[attr-defined]
