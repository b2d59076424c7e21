"""What a run ran on: versions, device, commit. Recorded beside each run, never part of its identity."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import torch

import ganbench
from ganbench.runner.gpu_memory import mps, smi
from ganbench.spec import Arithmetic
from ganbench.training.products import library

PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy", "scikit-learn", "pandas", "mlflow", "pillow")

ENGINE_JOBS = {"ray": "RAY_JOB_ID", "slurm": "SLURM_JOB_ID"}  # Ray first: it may run within a job of Slurm


@dataclass(frozen=True)
class Commit:
    """The checkout that ganbench runs from; `dirty`: with changes that are not committed."""

    commit: str
    dirty: bool


@dataclass(frozen=True)
class Switches:
    """torch's switches that decide whether a run on a GPU repeats bit for bit."""

    algorithms: bool
    cudnn: bool
    cudnn_benchmark: bool
    tf32: bool


@dataclass(frozen=True)
class Software:
    """Everything installed that may decide a run's numbers or speed; None for what there is not.

    `packages`: the version of each installed distribution. `cuda`, `cudnn`: those that torch was built for and has.
    `driver`: of the GPUs, as nvidia-smi gives it.
    """

    packages: dict[str, str]
    cuda: str | None
    cudnn: int | None
    driver: str | None


@dataclass(frozen=True)
class MemoryUse:
    """The most bytes of its GPU that a run's worker has held, for jobs of the same cell and number of seeds."""

    cell: str
    peak: int


@dataclass(frozen=True)
class Environment:
    """What a run ran on: the contents of `env.json`."""

    ganbench: str
    python: str
    platform: str
    host: str
    engine_job: str | None  # "slurm 1234", "ray 01000000"; None outside of such engines
    packages: dict[str, str]
    device: str
    device_name: str
    threads: int
    pack: tuple[int, ...]  # the seeds that were trained as one program
    precision: str  # of matrix products and convolutions in training
    memory_format: str  # of images in training
    products: str  # of matrices: by "torch", or by "numpy SkylakeX", say; the last digits may depend on it
    turns: str  # "recorded" as CUDA graphs or tapes, or "eager: " and why; no number depends on it
    git: Commit | None  # None for an installed package
    deterministic: Switches
    mps: str | None = None  # how it is known that the GPU is shared by CUDA's multi-process service
    memory: MemoryUse | None = None  # at the run's end, on a GPU
    software: Software | None = None  # with `--record-packages`


def describe(device: str, pack: tuple[int, ...], arithmetic: Arithmetic, record_packages: bool = False) -> Environment:
    """The environment of a run on `device` in a pack of these seeds, before its first step.

    `record_packages`: with all that is installed.
    """
    return Environment(
        ganbench=ganbench.__version__,
        python=sys.version.split()[0],
        platform=platform.platform(),
        host=socket.gethostname(),
        engine_job=engine_job(os.environ),
        packages=_packages(),
        device=device,
        device_name=_device_name(device),
        threads=torch.get_num_threads(),
        pack=pack,
        precision=arithmetic.precision,
        memory_format=arithmetic.memory_format,
        products=library(torch.device(device), torch.float32),
        turns=how_turns(None),
        git=_git(),
        deterministic=Switches(
            algorithms=torch.are_deterministic_algorithms_enabled(),
            cudnn=torch.backends.cudnn.deterministic,
            cudnn_benchmark=torch.backends.cudnn.benchmark,
            tf32=torch.backends.cuda.matmul.allow_tf32,
        ),
        mps=mps() if device.startswith("cuda") else None,
        software=_software() if record_packages else None,
    )


def engine_job(variables: Mapping[str, str]) -> str | None:
    """The job of the engine that started this process, from its environment variables."""
    for engine, name in ENGINE_JOBS.items():
        if name in variables:
            return f"{engine} {variables[name]}"
    return None


def how_turns(eager: str | None) -> str:
    """How turns are executed, from `Snapshot.eager`."""
    return "recorded" if eager is None else f"eager: {eager}"


@cache
def _packages() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def _software() -> Software:
    found = [(re.sub(r"[-_.]+", "-", entry.name).lower(), entry.version) for entry in distributions()]
    packages = dict(sorted(dict(reversed(found)).items()))  # of two versions the first on the path is imported
    drivers = smi("--query-gpu=driver_version", "--format=csv,noheader") or ""
    cudnn: Any = torch.backends.cudnn  # untyped
    return Software(packages, torch.version.cuda, cudnn.version(), next(iter(drivers.split()), None))


@cache
def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()


@cache
def _git() -> Commit | None:
    """Commit and dirty flag of the checkout that ganbench runs from; None for an installed package."""
    root = Path(ganbench.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _run_git(root, "rev-parse", "HEAD")
        return Commit(commit, bool(_run_git(root, "status", "--porcelain", "--untracked-files=no")))
    except (OSError, subprocess.SubprocessError):
        return None


def _run_git(root: Path, *words: str) -> str:
    words = ("git", "-C", str(root), *words)
    process = subprocess.run(words, capture_output=True, timeout=10, check=True)
    return process.stdout.decode(errors="replace").strip()
