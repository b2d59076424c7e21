"""A suite of a user's own files: hashed once, when the suite is loaded, with the data folder that is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.datasets.parts import files
from ganbench.errors import SuiteError
from ganbench.plugins import Registry
from ganbench.runner.job import Job, decode, encode
from ganbench.suite import Suite, load

GRID = "{variant: [ns, lsgan], dataset: {kind: arrays, path: points.npy}, seed: 3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two data folders, `first` and `second`, with files of one name and other contents, and a suite that reads it."""
    for seed, name in enumerate(("first", "second")):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "points.npy", np.random.default_rng(seed).random((40, 2), dtype=np.float32))
    (tmp_path / "suite.yaml").write_text(
        f"name: mine\ngrid: [{GRID}}}, {GRID}, batch: 32}}]\ntrain: {{steps: {{arrays: 10}}}}\n"
    )
    return tmp_path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from now on."""
    names: list[str] = []
    original: Callable[..., Any] = hashlib.file_digest

    def counted(file: Any, algorithm: str) -> Any:
        names.append(file.name)
        return original(file, algorithm)

    files._digest.cache_clear()
    monkeypatch.setattr(hashlib, "file_digest", counted)
    return names


def ids(suite: Suite) -> list[str]:
    return [spec.run_id() for spec in suite.specs]


def test_each_file_is_hashed_once(folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_digest", files._digest.__wrapped__)  # the memory of earlier digests doesn't help here
    suite = load(folder / "suite.yaml", data_root=folder / "first")
    assert len(ids(suite)) == len(set(ids(suite))) == 12
    assert [spec.columns()["dataset"] for spec in suite.specs] == [suite.specs[0].dataset.notation()] * 12
    assert hashed == [str(folder / "first/points.npy")]


def test_another_data_folder_between_loading_and_running_changes_nothing(
    folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(folder / "first"))
    suite = load(folder / "suite.yaml", data_root=folder / "first")
    before, hashed[:] = ids(suite), []
    monkeypatch.setenv("GANBENCH_DATA", str(folder / "second"))
    monkeypatch.chdir(folder)
    job = Job((suite.specs[0],), (10,), 100, ())
    at_the_worker = decode(encode(job), Registry())
    assert at_the_worker == job and at_the_worker.run_ids == (before[0],)
    x = at_the_worker.specs[0].dataset.load(folder / "first").train.x
    assert x.shape == (32, 2) and ids(suite) == before and hashed == []


def test_the_content_in_the_given_folder_counts(folder: Path) -> None:
    first, second = (load(folder / "suite.yaml", data_root=folder / name) for name in ("first", "second"))
    (folder / "second/points.npy").write_bytes((folder / "first/points.npy").read_bytes())
    copied = load(folder / "suite.yaml", data_root=folder / "second")
    assert set(ids(first)).isdisjoint(ids(second)) and ids(copied) == ids(first)
    content = hashlib.sha256((folder / "first/points.npy").read_bytes()).hexdigest()
    assert first.specs[0].canonical()["dataset"] == {"kind": "arrays", "version": 1, "content": content}


def test_a_suite_cannot_set_the_content(folder: Path) -> None:
    path = folder / "suite.yaml"
    path.write_text(path.read_text().replace("path: points.npy", "path: points.npy, content: abc"))
    with pytest.raises(SuiteError, match=r"dataset arrays has no option 'content'\. allowed: path"):
        load(path, data_root=folder / "first")
