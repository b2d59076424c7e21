"""Libraries start programs and write caches when they are first imported; that happens before any input is tried."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from ganbench.cli import main
from tests.support.pages import ROOT


@pytest.fixture(scope="session", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run each command once on good input."""
    points = tmp_path_factory.mktemp("good") / "points.npy"
    np.save(points, np.random.default_rng(0).normal(size=(50, 2)))
    suite, sets = ROOT / "suites/quick.yaml", ["--reference", str(points), "--results", str(points.parent)]
    for words in (["check", str(suite)], ["run", str(suite), "-n", *sets[2:]], ["evaluate", str(points), *sets]):
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()), pytest.raises(SystemExit) as end:
            patch.setattr(sys, "argv", ["ganbench", *words])
            main()
        assert not end.value.code, words
    assert Path(points).exists()
