"""`benchmarks/gpu.py` as far as a CPU goes: all of it on the small ring, and the other grid without processes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import ModuleType

import pytest


def test_the_whole_program_on_the_small_ring(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--small", "--grid", "ring"])
    script("gpu").main()
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:28].strip(): line for line in lines}
    assert {"plain loop", "pack of 2", "2 processes, pack of 2"} <= rows.keys()
    assert all(float(rows[name][28:].split()[0]) > 0 for name in ("plain loop", "pack of 2"))
    assert "e-1" in next(line for line in lines if "float64" in line), "a pack equals its runs up to rounding"
    assert "differ by 0.0e+00" in next(line for line in lines if "resumed" in line)


@pytest.mark.parametrize("pack", [0, 1])
def test_the_small_dcgan(
    pack: int, script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = script("gpu")
    monkeypatch.setattr(sys, "stdin", io.StringIO("go\n"))
    monkeypatch.setattr(gpu, "WARM", 2)
    found = gpu.measure("dcgan-64", pack, "cpu", gpu.SMALL)
    assert found.steps >= 1 and found.wall > 0 and found.memory > 0
    assert capsys.readouterr().out == "ready\n"


def test_a_contender_that_does_not_fit_costs_no_other(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = script("gpu")
    good = gpu.Measured(2.0, 2.0, 100, 2**30, "eager")

    def together(grid: str, contender: object, device: str, small: bool) -> object:
        return "CUDA out of memory" if contender == gpu.Contender(256) else [good]

    monkeypatch.setattr(gpu, "together", together)
    text = gpu.table("ring", "cuda:0", gpu.FULL)
    assert next(line for line in text.splitlines() if line.startswith("pack of 256")).endswith("CUDA out of memory")
    assert f"{3600 / 200 * 64:.1f}" in next(line for line in text.splitlines() if line.startswith("pack of 64"))


def test_a_device_that_is_not_there_is_a_line(script: Callable[[str], ModuleType]) -> None:
    found = script("gpu").together("ring", script("gpu").Contender(1), "cuda:99", small=True)
    assert isinstance(found, str) and found
