"""Tensors in files, written atomically and read without running any code in the file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ganbench.errors import DamagedRun
from ganbench.results.store import write_bytes


def save(path: Path, tensors: Any) -> None:
    """Write tensors, numbers, or dictionaries of these."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: Path, device: str) -> Any:
    """The saved tensors on a device; None if there is no such file. Raises `DamagedRun` if it can't be read."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises exceptions of many types for a damaged file
        raise DamagedRun(str(path), f"damaged: {type(error).__name__}", todo="the run is done again") from error
