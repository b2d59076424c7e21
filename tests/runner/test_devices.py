"""Which devices the workers get."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench.errors import RequestError
from ganbench.executors.inline import Inline
from ganbench.executors.parts.process import environment_of
from ganbench.runner import devices
from ganbench.runner.devices import headline, resolve
from ganbench.runner.settings import WorkerSettings


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
def test_memory_decides_among_as_many_workers_as_there_are_cores_for_a_gpu(
    gpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores, expected in ((1, 1), (7, 3), (64, 8)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cores=cores: set(range(cores)))
        assert resolve("auto", per_gpu=None) == ("cuda:0", "cuda:1") * expected
    assert resolve("cpu", workers=2, per_gpu=None) == ("cpu",) * 2
    assert resolve("0", workers=3, per_gpu=None) == ("cuda:0",) * 3


LISTED = """\
GPU 0: NVIDIA A100 (UUID: GPU-11)
  MIG 3g.20gb     Device  0: (UUID: MIG-22)
  MIG 3g.20gb     Device  1: (UUID: MIG-33)
"""


@machine(1)
def test_a_mig_instance_is_given_by_its_uuid(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker process sees its instance alone."""
    monkeypatch.setattr(devices, "smi", lambda *words: LISTED)
    assert resolve("MIG-22,MIG-33", per_gpu=2) == ("cuda:MIG-22", "cuda:MIG-33") * 2
    with pytest.raises(RequestError, match="there is no GPU 'MIG-44'"):
        resolve("MIG-22,MIG-44")
    with pytest.raises(RequestError, match="a GPU is given by its UUID"):
        Inline().devices("GPU-11", None, 1)
    own = WorkerSettings(Path("results"), device="cuda:MIG-22")
    assert environment_of(own)["CUDA_VISIBLE_DEVICES"] == "MIG-22"
    assert "CUDA_VISIBLE_DEVICES" not in environment_of(replace(own, device="cuda:1"))


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


def test_this_process_is_one_worker() -> None:
    assert Inline().devices("cpu", None, None) == Inline().devices("cpu", 4, None) == ("cpu",)
