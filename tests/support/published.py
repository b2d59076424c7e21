"""Small files in the forms of published data, and how to let them pass for these."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.datasets.parts.published import PublishedFiles
from ganbench.errors import RequestError


def pretend_published(dataset: type[PublishedFiles], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files that lie below `root` pass for the published ones."""
    there = [name for name in dataset.files if (root / name).exists()]
    monkeypatch.setattr(dataset, "files", {**dataset.files, **{name: md5(root / name) for name in there}})


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def idx(values: np.ndarray) -> bytes:
    """LeCun's format: two zero bytes, the type (8: unsigned byte), the rank, the sizes, the values."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write the values, packed where the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(idx(values)) if path.suffix == ".gz" else idx(values))


def small_mnist(folder: Path, end: str = "") -> tuple[np.ndarray, np.ndarray]:
    """30 training and 5 test images; returns the training ones."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (35, 28, 28)), rng.integers(0, 10, 35)
    for name, part in (("train", slice(0, 30)), ("t10k", slice(30, 35))):
        write_idx(folder / "raw" / f"{name}-images-idx3-ubyte{end}", x[part])
        write_idx(folder / "raw" / f"{name}-labels-idx1-ubyte{end}", y[part])
    return x[:30], y[:30]


def refusal(dataset: Any, root: Path | None) -> str:
    """What a dataset says when it can't be loaded."""
    with pytest.raises(RequestError) as error:
        dataset.load(root)
    return str(error.value)
