"""Every component of every family, found as a suite finds them, and the data that they are tried on."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.datasets.base import Data, Dataset
from ganbench.networks import lsgan64


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def load() -> Callable[[Dataset], Data]:
    """Read a dataset that needs no file, once for all tests."""
    return cache(lambda dataset: dataset.load(None))


@pytest.fixture(scope="package", autouse=True)
def narrow_lsgan64() -> Iterator[None]:
    """The network of the LSGAN study with an 8th of its channels at most: its weights would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lsgan64, "STAGES", replace(lsgan64.STAGES, channels=(3, 4, 4, 8, 8)))
        yield


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A user's own data for each dataset that reads them."""
    folder = tmp_path_factory.mktemp("files")
    numbers = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = numbers.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(folder / "arrays.npz", x_train=x, y_train=y)
    for i, picture in enumerate(x):
        place = folder / "images" / f"class{y[i]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{i}.png")
    code, head = [0xB0A1, 0xB0A2, 0xD8A1], struct.Struct("<I2sHH")
    cards = [head.pack(head.size + 64, code[y[i]].to_bytes(2, "big"), 8, 8) + x[i].tobytes() for i in range(60)]
    (folder / "cards.gnt").write_bytes(b"".join(cards))
    return {"arrays": folder / "arrays.npz", "images": folder / "images", "hwdb": folder / "cards.gnt"}


@pytest.fixture(scope="session")
def required(files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """The options without default, by kind."""
    return {kind: {"path": str(path)} for kind, path in files.items()}
