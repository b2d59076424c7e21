"""A cache that can't be written: what it would keep is computed, and one message says so."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from ganbench.features import cache as caching
from ganbench.features.cache import Cache, Tensors


def compute() -> Tensors:
    return {"x": torch.arange(3)}


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["/proc/nowhere", "/proc", "file", "file/below"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    cache = Cache(tmp_path / place, said.append)
    for key in ("a", "b"):
        assert cache.get("kind", key, compute)["x"].tolist() == [0, 1, 2]
    assert len(said) == 1 and said[0].startswith(f"{tmp_path / place}: the cache can't be written (")


def test_a_full_disk_keeps_nothing_and_half_a_file_least_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    cache = Cache(tmp_path, said.append)
    monkeypatch.setattr("ganbench.results.store.os.fsync", full)
    assert cache.get("kind", "a", compute)["x"].tolist() == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
    assert said == [f"{tmp_path}: the cache can't be written (No space left on device), so nothing is kept"]
    monkeypatch.undo()
    cache.get("kind", "a", compute)
    assert cache.get("kind", "a", full)["x"].tolist() == [0, 1, 2], "kept as soon as there is space"


def test_an_error_of_what_is_computed_is_no_error_of_the_cache(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(OSError, match="No space left"):
        Cache(tmp_path, said.append).get("kind", "a", full)
    assert said == []


def test_a_file_that_cannot_be_read_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path, lambda _: None)
    cache.get("kind", "a", compute)
    monkeypatch.setattr("ganbench.results.tensors.read_bytes", full)
    assert caching.read_tensors(tmp_path / "kind-a.pt") is None
    assert cache.get("kind", "a", compute)["x"].tolist() == [0, 1, 2]
