"""Tensors in files: written atomically, read without running anything that the file says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ganbench.errors import DamagedRun
from ganbench.results.store import write_bytes


def save(path: Path, tensors: Any) -> None:
    """Write tensors, numbers and dictionaries of these."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: Path, device: str) -> Any:
    """What was saved, on a device; None where there is no such file. Raises `DamagedRun` for one that can't be read."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many types for a damaged file
        raise DamagedRun(str(path), f"damaged: {type(error).__name__}", todo="the run is done again") from error
