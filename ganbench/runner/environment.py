"""What a run ran on: versions, device, commit. Recorded beside each run, never part of its identity."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import ganbench

PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy", "scikit-learn", "pandas", "mlflow", "pillow")


def describe(device: str, pack: int) -> dict[str, Any]:
    """The contents of `env.json` for a run on `device` in a pack of `pack` runs."""
    return {
        "ganbench": ganbench.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": _packages(),
        "device": device,
        "device_name": _device_name(device),
        "threads": torch.get_num_threads(),
        "pack": pack,
        "git": _git(),
        "deterministic": {
            "algorithms": torch.are_deterministic_algorithms_enabled(),
            "cudnn": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "tf32": torch.backends.cuda.matmul.allow_tf32,
        },
    }


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()


@cache
def _git() -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that ganbench runs from; None for an installed package."""
    root = Path(ganbench.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _run_git(root, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_run_git(root, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _run_git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
