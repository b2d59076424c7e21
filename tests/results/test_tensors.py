"""Tensor files: a changed byte is damage, wherever it is; files of 0.1 are read where their checksums hold."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
import torch

from ganbench.errors import DamagedRun
from ganbench.results import tensors

CONTENT = {"step": 7, "weights": {"a": torch.arange(50.0), "b": torch.ones(3, 4)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tensors.save(tmp_path / "last.pt", CONTENT)
    return tmp_path / "last.pt"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of 0.1, without a digest."""
    torch.save(CONTENT, tmp_path / "old.pt")
    return tmp_path / "old.pt"


def read(path: Path, notes: list[str]) -> bool:
    """Whether a file is believed; what is believed is what was written."""
    try:
        found = tensors.load(path, "cpu", notes.append)
    except DamagedRun as damage:
        assert str(path) in str(damage) and "the run is done again" in str(damage)
        return False
    assert found["step"] == 7 and all(torch.equal(found["weights"][k], v) for k, v in CONTENT["weights"].items())
    return True


def flips(path: Path, count: int, seed: int = 0) -> list[int]:
    """Flip one bit after the other, alone; the places at which the file was believed nevertheless."""
    whole, rng, believed = path.read_bytes(), random.Random(seed), []
    for _ in range(count):
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        if read(path, []):
            believed.append(place)
    path.write_bytes(whole)
    return believed


def test_a_file_is_read_as_it_was_written_also_by_torch(path: Path) -> None:
    notes: list[str] = []
    assert read(path, notes) and notes == [] and tensors.is_whole(path)
    assert torch.load(path, weights_only=True)["step"] == 7
    assert tensors.load(path.with_name("absent.pt"), "cpu") is None


def test_no_flipped_bit_is_believed(path: Path) -> None:
    assert flips(path, 300) == [] and read(path, [])


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_in_a_file_of_01_changes_no_number(old: Path, seed: int) -> None:
    """Flips between the entries of the archive change nothing that is read; `read` compares the tensors."""
    flips(old, 300, seed)


def test_a_file_of_01_is_read_with_a_note_only(old: Path) -> None:
    notes: list[str] = []
    assert read(old, notes)
    assert notes == ["checkpoints of ganbench 0.1 have no SHA-256; they are used where their CRC-32 checksums hold"]
    with pytest.raises(DamagedRun):
        tensors.load(old, "cpu")
    whole = old.read_bytes()
    start = whole.index(CONTENT["weights"]["a"].numpy().tobytes())
    old.write_bytes(whole[: start + 40] + b"\x01" + whole[start + 41 :])
    assert not read(old, [])


@pytest.mark.parametrize("size", [0, 10, 31, 32, 33, -1, -32, -33, -100])
def test_a_cut_file_is_damaged(path: Path, size: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:size])
    if size == -tensors.DIGEST:  # nothing but the digest is gone: a file of 0.1
        assert read(path, [])
    else:
        assert not read(path, [])


@pytest.mark.parametrize("harm", ["zeros", "longer", "other", "folder"])
def test_other_content_is_damaged(path: Path, harm: str) -> None:
    content = path.read_bytes()
    if harm == "folder":
        path.unlink()
        path.mkdir()
    else:
        changed = {"zeros": bytes(len(content)), "longer": content + b"\0", "other": b"PK\x03\x04 no archive"}
        path.write_bytes(changed[harm])
    assert not read(path, [])


def test_an_archive_that_holds_no_tensors_is_damaged(tmp_path: Path) -> None:
    """Nothing that a file says is run, whatever its digest."""
    path = tmp_path / "code.pt"
    tensors.save(path, {"a": 1})
    buffer = io.BytesIO()
    torch.save(tmp_path, buffer)  # a pickled path is no tensor
    path.write_bytes(buffer.getvalue())
    with pytest.raises(DamagedRun):
        tensors.load(path, "cpu", lambda text: None)
