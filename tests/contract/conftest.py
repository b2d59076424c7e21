"""Every component of every family, found as a suite finds them, and the data that they are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.datasets.base import Data
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks import lsgan64
from tests.contract.colours import Colours


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def debug_data() -> dict[str, Data]:
    """Points and images that need no file, loaded once."""
    return {"ring8": Ring8().load(None), "digits": Digits().load(None), "colours": Colours().load(None)}


@pytest.fixture(scope="session", autouse=True)
def narrow_lsgan64() -> Iterator[None]:
    """The network of the LSGAN study with an 8th of its channels at most: its weights would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lsgan64, "PYRAMID", replace(lsgan64.PYRAMID, channels=(3, 4, 4, 8, 8)))
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
    return {"arrays": folder / "arrays.npz", "images": folder / "images"}


@pytest.fixture(scope="session")
def required(files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """The options without default, by kind."""
    return {kind: {"path": str(path)} for kind, path in files.items()}
