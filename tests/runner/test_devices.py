"""Which devices the workers get."""

from __future__ import annotations

import os

import pytest
import torch

from ganbench.errors import RequestError
from ganbench.runner.devices import headline, resolve


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    """A machine with so many GPUs."""
    count: int = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    return count


def machine(count: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("gpus", [count], indirect=True)


@machine(0)
def test_a_machine_without_gpus_has_one_worker_a_core(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5})
    assert resolve("auto") == resolve("cpu") == ("cpu",) * 3
    assert resolve("auto", workers=2) == ("cpu",) * 2
    assert resolve("cpu", workers=7, per_gpu=4) == ("cpu",) * 7


@machine(2)
def test_gpus_are_taken_in_turns(gpus: int) -> None:
    assert resolve("auto") == ("cuda:0", "cuda:1")
    assert resolve("auto", per_gpu=2) == ("cuda:0", "cuda:1", "cuda:0", "cuda:1")
    assert resolve("1", per_gpu=2) == ("cuda:1", "cuda:1")
    assert resolve("1,0") == ("cuda:1", "cuda:0")
    assert resolve("auto", workers=3, per_gpu=2) == ("cuda:0", "cuda:1", "cuda:0")
    assert resolve("auto", workers=9) == ("cuda:0", "cuda:1"), "workers are an upper bound"
    assert resolve("cpu", workers=1) == ("cpu",)


@machine(2)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gpu", "--devices: 'gpu' is not a device. allowed: auto, cpu, or indices like 0,1"),
        ("0,", "--devices: '0,' is not a device. allowed: auto, cpu, or indices like 0,1"),
        ("0,2", "--devices: there is no CUDA device 2. CUDA devices here: 0, 1. use cpu or auto"),
        ("-1", "--devices: there is no CUDA device -1. CUDA devices here: 0, 1. use cpu or auto"),
    ],
)
def test_devices_that_are_not_there(gpus: int, given: str, message: str) -> None:
    with pytest.raises(RequestError) as told:
        resolve(given)
    assert str(told.value) == message


@machine(0)
def test_no_gpu_at_all(gpus: int) -> None:
    with pytest.raises(RequestError, match="CUDA devices here: none"):
        resolve("0")


def test_headline() -> None:
    assert headline(("cpu",)) == "1 worker on cpu"
    assert headline(("cpu",) * 4) == "4 workers on cpu"
    assert headline(("cuda:0", "cuda:1", "cuda:0")) == "3 workers on cuda:0, cuda:1"
