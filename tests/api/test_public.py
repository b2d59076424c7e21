"""`import ganbench`: the names that it offers, lazily and with their types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ganbench


def test_the_import_loads_nothing_heavy() -> None:
    show = "import ganbench, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    assert not {"torch", "numpy", "pandas", "rich", "pydantic"} & {name.split(".")[0] for name in done.stdout.split()}


def test_every_name_is_there_and_typed() -> None:
    source = Path(ganbench.__file__).read_text()
    typed = re.findall(r"^    from ganbench\.\S+ import \w+ as (\w+)$", source, re.MULTILINE)
    assert sorted(typed) == sorted(ganbench.__all__) == sorted(ganbench._PLACES)
    for name in ganbench.__all__:
        assert getattr(ganbench, name) is getattr(ganbench, name)
    assert set(ganbench.__all__) <= set(dir(ganbench))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'judge'"):
        _ = ganbench.judge  # type: ignore[attr-defined]
