"""CASIA's files of handwritten characters: pixels, classes, refusals, identity."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.datasets.base import Space, Split
from ganbench.datasets.hwdb import HWDB
from ganbench.errors import RequestError
from tests.support.published import refusal

ALLOWED = "a record is its size (4 bytes), a GB code (2), width (2), height (2) and width x height bytes"


def record(character: str, bitmap: np.ndarray) -> bytes:
    """As CASIA describes it: size, code, width and height, each with the lowest byte first but the code, pixels."""
    height, width = bitmap.shape
    sizes = [(10 + width * height).to_bytes(4, "little"), width.to_bytes(2, "little"), height.to_bytes(2, "little")]
    return sizes[0] + character.encode("gb2312").ljust(2, b"\0") + sizes[1] + sizes[2] + bitmap.tobytes()


def write(path: Path, characters: Iterable[tuple[str, np.ndarray]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record(*character) for character in characters))
    return path


def bitmap(seed: int, height: int = 28, width: int = 28) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def whole(*splits: Split) -> tuple[np.ndarray, np.ndarray]:
    y = torch.cat([split.y for split in splits if split.y is not None])
    return torch.cat([split.x for split in splits])[:, 0].numpy(), y.numpy()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files lie in the current folder and no data folder is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_DATA", raising=False)


class TestReading:
    def test_codes_are_classes_in_order_and_pixels_are_kept(self) -> None:
        pictures = {character: [bitmap(10 * i + k) for k in range(10)] for i, character in enumerate("一啊阿0")}
        write(Path("set/b.gnt"), [("一", x) for x in pictures["一"]] + [("0", x) for x in pictures["0"]])
        write(Path("set/deep/a.GNT"), [("阿", x) for x in pictures["阿"]] + [("啊", x) for x in pictures["啊"]])
        Path("set/notes.txt").write_text("no characters")
        dataset = HWDB(path="set")
        data = dataset.load(None)
        assert data.space == dataset.space(None) == Space((1, 28, 28), classes=4)
        assert (len(data.train), len(data.validation), len(data.test)) == (32, 4, 4)
        x, y = whole(data.train, data.validation, data.test)
        assert data.test.y is not None and sorted(data.test.y.tolist()) == [0, 1, 2, 3]
        for label, character in enumerate("0啊阿一"):  # 3000, b0a1, b0a2, d2bb
            ours = sorted(image.tobytes() for image in x[y == label])
            assert ours == sorted(image.tobytes() for image in pictures[character])

    def test_oblong_bitmaps_fill_the_square(self) -> None:
        wide = np.zeros((10, 60), dtype=np.uint8)
        wide[:, 30:] = 200
        write(Path("a.gnt"), [("一", wide)] * 3)
        x = HWDB(path="a.gnt", size=12).load(None).train.x
        assert x.shape == (1, 1, 12, 12)
        assert (x[0, 0, :, :5] == 0).all() and (x[0, 0, :, 7:] == 200).all()

    def test_paper_is_white_unless_inverted(self) -> None:
        write(Path("a.gnt"), [("一", np.full((9, 7), 255, dtype=np.uint8))] * 3)
        assert HWDB(path="a.gnt").load(None).train.x.unique().tolist() == [255]
        assert HWDB(path="a.gnt", inverted=True).load(None).train.x.unique().tolist() == [0]

    def test_level_1_leaves_out_the_rest(self) -> None:
        # the first and last of level 1, the first of level 2, a symbol and a digit
        write(Path("a.gnt"), [(character, bitmap(i)) for i, character in enumerate("啊座亍。0" * 3)])
        assert HWDB(path="a.gnt").space(None).classes == 5
        data = HWDB(path="a.gnt", codes="level1").load(None)
        assert data.space.classes == 2
        assert len(data.train) + len(data.validation) + len(data.test) == 6

    @settings(max_examples=20)
    @given(
        sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=3, max_size=6),
        size=st.integers(1, 9),
    )
    def test_any_sizes(self, sizes: list[tuple[int, int]], size: int) -> None:
        write(Path("a.gnt"), [("一", bitmap(i, *one)) for i, one in enumerate(sizes)])
        data = HWDB(path="a.gnt", size=size).load(None)
        assert data.train.x.shape == (len(sizes) - 2, 1, size, size)


class TestRefusals:
    def test_a_truncated_file_is_told_with_the_place(self) -> None:
        path = write(Path("set/a.gnt"), [("一", bitmap(0, 5, 4)), ("一", bitmap(1, 5, 4))])
        body = path.read_bytes()
        assert len(body) == 60
        for end in (59, 40, 33, 31):  # within the pixels, and within the head, of the second record
            path.write_bytes(body[:end])
            assert refusal(HWDB(path="set"), None) == (
                f"{Path.cwd()}/set/a.gnt: the file ends at byte {end}, within the record that starts at byte 30. "
                f"{ALLOWED}. replace the file"
            )
            with pytest.raises(RequestError, match="at byte 30"):
                HWDB(path="set").space(None)

    def test_contradicting_sizes(self) -> None:
        path = write(Path("a.gnt"), [("一", bitmap(0, 5, 4)), ("一", bitmap(1, 5, 4))])
        body = bytearray(path.read_bytes())
        body[30] += 1
        path.write_bytes(body)
        assert refusal(HWDB(path="a.gnt"), None) == (
            f"{Path.cwd()}/a.gnt: the record at byte 30 gives a size of 31 bytes for 4 x 5 pixels. {ALLOWED}. "
            "replace the file"
        )
        path.write_bytes(b"\x0a\0\0\0" + "一".encode("gb2312") + b"\0\0\x05\0")
        assert "gives a size of 10 bytes for 0 x 5 pixels" in refusal(HWDB(path="a.gnt"), None)

    def test_nothing_there(self) -> None:
        Path("set").mkdir()
        assert refusal(HWDB(path="set"), None) == (
            f"{Path.cwd()}/set: there is no .gnt file in it. a .gnt file or a folder of .gnt files. correct the path"
        )
        assert "there is no such file or folder" in refusal(HWDB(path="nowhere"), None)
        Path("empty.gnt").touch()
        write(Path("symbols.gnt"), [("。", bitmap(0))])
        for dataset in (HWDB(path="empty.gnt"), HWDB(path="symbols.gnt", codes="level1")):
            assert "it holds no character with these codes" in refusal(dataset, None)

    def test_too_few_to_split(self) -> None:
        write(Path("a.gnt"), [("一", bitmap(0))] * 2)
        assert "2 samples can't be split into" in refusal(HWDB(path="a.gnt"), None)


class TestIdentity:
    def test_the_content_counts_and_the_place_does_not(self) -> None:
        write(Path("set/a.gnt"), [("一", bitmap(0))])
        write(Path("elsewhere/copy/a.gnt"), [("一", bitmap(0))])
        assert HWDB(path="set").resolved(None).identity() == HWDB(path="elsewhere/copy").resolved(None).identity()
        write(Path("elsewhere/b.gnt"), [("一", bitmap(0))])
        assert (
            HWDB(path="set/a.gnt").resolved(None).identity() == HWDB(path="elsewhere/b.gnt").resolved(None).identity()
        )

    def test_a_changed_pixel_or_a_further_file_counts(self) -> None:
        path = write(Path("set/a.gnt"), [("一", bitmap(0))])
        identities = [HWDB(path="set").resolved(None).identity()]
        body = bytearray(path.read_bytes())
        body[-1] ^= 1
        path.write_bytes(body)
        later = path.stat().st_mtime_ns + 1_000_000  # clocks of some disks are coarse
        os.utime(path, ns=(later, later))
        identities.append(HWDB(path="set").resolved(None).identity())
        write(Path("set/b.gnt"), [("一", bitmap(0))])
        identities.append(HWDB(path="set").resolved(None).identity())
        assert len({identity["content"] for identity in identities}) == 3
