"""A small suite, run once, whose results the tests of this folder share."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

import ganbench as gb

SECTIONS: dict[str, Any] = {
    "grid": {"variant": ["ns", "lsgan"], "dataset": "ring8", "seed": 2},
    "train": {"network": {"kind": "mlp", "z": 8, "g_widths": [16], "d_widths": [16]}, "steps": 40, "batch": 32},
    "evaluate": {"every": 20, "samples": 200, "with": ["modes"]},
    "outcome": {"good": {"metric": "hq", "at_least": 0.5}, "diverse": {"metric": "modes", "at_least": 7}},
}


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> gb.Results:
    with chdir(tmp_path_factory.mktemp("api")):
        folder = Path("results").resolve()
        return gb.run(gb.Suite("small", **SECTIONS), folder, executor="inline", tracking_uri="none")
