"""Fixtures of the tests on clusters: folders with a suite, the tables of undisturbed runs, and a Slurm."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.processes import wait_until
from tests.cluster.slurm import NODES, Slurm
from tests.e2e.conftest import STEPS, SUITE, table_of, undisturbed

__all__ = ["undisturbed"]  # a fixture

LONG = 10_000  # steps: a run lasts until a test has killed its node, on a fast machine too


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def long_folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(lengthened())
    return tmp_path


@pytest.fixture(scope="session")
def long_undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return table_of(lengthened(), LONG, tmp_path_factory.mktemp("undisturbed"))


def lengthened() -> str:
    return SUITE.replace(f"steps: {STEPS}", f"steps: {LONG}")


@pytest.fixture(scope="module")
def slurm_cluster() -> Iterator[Slurm]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = Slurm(folder)
    cluster.configure()
    try:
        for name in ("slurmctld", *NODES):
            cluster.start(name)
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def slurm(slurm_cluster: Slurm) -> Iterator[Slurm]:
    wait_until(lambda: bool(slurm_cluster.asked("sinfo", "-h")))
    slurm_cluster.wait_until_idle()
    yield slurm_cluster
    slurm_cluster.asked("scancel", "--full", "--user", "root")
