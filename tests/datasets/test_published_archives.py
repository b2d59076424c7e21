"""KMNIST, EMNIST, SVHN, Omniglot, CelebA and LSUN: read from published archives only, never fetched unasked."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
import torchvision
from PIL import Image

from ganbench.datasets import celeba, emnist, lsun, omniglot
from ganbench.datasets.base import Data, Space
from ganbench.datasets.celeba import CelebA
from ganbench.datasets.emnist import EMNIST
from ganbench.datasets.kmnist import KMNIST
from ganbench.datasets.lsun import LSUN
from ganbench.datasets.omniglot import Omniglot
from ganbench.datasets.parts.published import PublishedFiles
from ganbench.datasets.svhn import SVHN
from ganbench.errors import RequestError
from tests.support.published import idx, md5, pretend_published, refusal, small_mnist

DATA = os.environ.get("GANBENCH_DATA")


def picture(seed: int, width: int, height: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray, form: str = "png") -> bytes:
    body = io.BytesIO()
    Image.fromarray(pixels).save(body, form)
    return body.getvalue()


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)


def sizes(data: Data) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


class TestKMNIST:
    def test_packed_idx_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        x, y = small_mnist(tmp_path / "KMNIST", ".gz")
        pretend_published(KMNIST, tmp_path, monkeypatch)
        data = KMNIST(validation=10).load(tmp_path)
        assert data.space == KMNIST().space(None) == Space((1, 28, 28), classes=10)
        assert sizes(data) == (20, 10, 5) and data.train.x.dtype == torch.uint8
        np.testing.assert_array_equal(torch.cat([data.train.x, data.validation.x])[:, 0].numpy(), x)
        assert data.validation.y is not None and data.validation.y.tolist() == y[20:].tolist()

    def test_a_damaged_file_is_told(self, tmp_path: Path) -> None:
        small_mnist(tmp_path / "KMNIST", ".gz")
        assert "train-images-idx3-ubyte.gz: the file is damaged or was changed" in refusal(KMNIST(), tmp_path)


class TestEMNIST:
    def archive(self, root: Path, split: str, labels: list[int]) -> np.ndarray:
        """Four training images and one to test; returns the training ones as the file holds them."""
        x = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
        members = {}
        for part, chosen in (("train", slice(0, 4)), ("test", slice(4, 5))):
            start = f"gzip/emnist-{split}-{part}"
            members[f"{start}-images-idx3-ubyte.gz"] = gzip.compress(idx(x[chosen]))
            members[f"{start}-labels-idx1-ubyte.gz"] = gzip.compress(idx(np.array(labels[chosen])))
        write_zip(root / "EMNIST/raw/gzip.zip", members)
        return x[:4]

    @pytest.mark.parametrize(
        ("split", "labels", "wanted"), [("balanced", [0, 46], [0, 46]), ("letters", [1, 26], [0, 25])]
    )
    def test_upright_images_and_labels_from_0(
        self, split: Any, labels: list[int], wanted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        x = self.archive(tmp_path, split, [*labels, *labels, labels[1]])
        pretend_published(EMNIST, tmp_path, monkeypatch)
        data = EMNIST(split=split, validation=2).load(tmp_path)
        assert sizes(data) == (2, 2, 1)
        np.testing.assert_array_equal(data.train.x[:, 0].numpy(), x[:2].transpose(0, 2, 1))
        assert data.train.y is not None and data.test.y is not None
        assert data.train.y.tolist() == wanted and data.test.y.tolist() == [wanted[1]]
        assert data.space == EMNIST(split=split).space(None)

    def test_classes_are_torchvisions(self) -> None:
        known = torchvision.datasets.EMNIST.classes_split_dict
        for split, classes in emnist.CLASSES.items():
            assert classes == len(known[split]) - (split == "letters")  # which has an "N/A" at 0

    def test_its_archive_is_fetched_from_where_torchvision_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def download(url: str, folder: Path, name: str, checksum: str) -> None:
            assert url == torchvision.datasets.EMNIST.url and checksum == torchvision.datasets.EMNIST.md5
            assert (folder, name) == (tmp_path / "EMNIST/raw", "gzip.zip")
            self.archive(tmp_path, "balanced", [0] * 5)

        monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
        with pytest.raises(RequestError, match="damaged or was changed"):
            EMNIST().fetch(tmp_path)


class TestSVHN:
    def test_matlab_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        x = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
        y = np.array([1, 10, 9, 2, 10, 5], dtype=np.uint8)  # 10 is the digit 0
        known = dict(torchvision.datasets.SVHN.split_list)
        for part, chosen in (("train", slice(0, 4)), ("test", slice(4, 6))):
            path = tmp_path / f"{part}_32x32.mat"
            scipy.io.savemat(path, {"X": x[chosen].transpose(2, 3, 1, 0), "y": y[chosen][:, None]})
            known[part] = [known[part][0], path.name, md5(path)]
        monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", known)
        pretend_published(SVHN, tmp_path, monkeypatch)
        data = SVHN(validation=1).load(tmp_path)
        assert data.space == SVHN().space(None) and sizes(data) == (3, 1, 2)
        np.testing.assert_array_equal(torch.cat([data.train.x, data.validation.x, data.test.x]).numpy(), x)
        assert data.train.y is not None and data.test.y is not None
        assert data.train.y.tolist() == [1, 0, 9] and data.test.y.tolist() == [0, 5]

    def test_both_files_are_fetched_and_the_extra_one_is_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        monkeypatch.setattr("torchvision.datasets.utils.download_url", lambda url, *rest: asked.append(url))
        with pytest.raises(RequestError, match=r"found no train_32x32\.mat, test_32x32\.mat in"):
            SVHN().fetch(tmp_path)
        assert [url.rpartition("/")[2] for url in asked] == ["train_32x32.mat", "test_32x32.mat"]


@pytest.mark.parametrize(
    ("dataset", "checksums"),
    [
        (KMNIST, {f"KMNIST/raw/{name}": code for name, code in torchvision.datasets.KMNIST.resources}),
        (EMNIST, {"EMNIST/raw/gzip.zip": torchvision.datasets.EMNIST.md5}),
        (
            SVHN,
            {name: code for part, (_, name, code) in torchvision.datasets.SVHN.split_list.items() if part != "extra"},
        ),
        (Omniglot, {f"omniglot-py/{name}.zip": code for name, code in torchvision.datasets.Omniglot.zips_md5.items()}),
        (CelebA, {f"celeba/{name}": code for _, code, name in torchvision.datasets.CelebA.file_list}),
    ],
    ids=["kmnist", "emnist", "svhn", "omniglot", "celeba"],
)
def test_checksums_are_those_that_torchvision_carries(dataset: type[PublishedFiles], checksums: dict[str, str]) -> None:
    ours = {name: code for name, code in dataset.files.items() if code}
    assert ours and ours.items() <= checksums.items()


class TestOmniglot:
    def archive(self, path: Path, alphabets: dict[str, int] | None = None) -> None:
        """Two characters of one alphabet and one of another, or as many as given, by 20 people each."""
        members, number = {}, 0
        for alphabet, characters in (alphabets or {"Greek": 2, "Tifinagh": 1}).items():
            for character in range(1, characters + 1):
                for drawer in range(20):
                    pixels = picture(100 * number + drawer, 105, 105)[..., 0] > 127
                    name = f"{alphabet}/character{character:02}/{number:04}_{drawer + 1:02}.png"
                    members[f"{path.stem}/{name}"] = encoded(pixels)
                number += 1
        write_zip(path, members)

    def test_each_character_is_a_class_with_its_share_in_each_split(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.archive(tmp_path / "omniglot-py/images_background.zip")
        pretend_published(Omniglot, tmp_path, monkeypatch)
        data = Omniglot(size=105).load(tmp_path)
        assert sizes(data) == (48, 6, 6) and data.train.x.unique().tolist() == [0, 255]
        for split, each in ((data.train, 16), (data.validation, 2), (data.test, 2)):
            assert split.y is not None and split.y.bincount().tolist() == [each] * 3
        assert Omniglot().load(tmp_path).train.x.shape == (48, 1, 28, 28)

    def test_the_large_archives_are_checked_and_the_small_ones_known_by_content(self, tmp_path: Path) -> None:
        for name in omniglot.ARCHIVES.values():
            self.archive(tmp_path / name)
        assert "damaged or was changed" in refusal(Omniglot(), tmp_path)
        assert len(Omniglot(part="small1").load(tmp_path).train) == 48
        assert Omniglot().identity() == Omniglot().resolved(tmp_path).identity() == {}
        small1, small2 = (Omniglot(part=part).resolved(tmp_path).identity() for part in ("small1", "small2"))
        assert small1 != small2 and small1.keys() == small2.keys() == {"content"}
        with pytest.raises(RequestError, match="dataset omniglot: the content of its files is not known yet"):
            Omniglot(part="small1").identity()

    def test_only_the_archive_of_the_part_is_needed(self, tmp_path: Path) -> None:
        self.archive(tmp_path / "omniglot/images_background_small2.zip")
        Omniglot(part="small2").check(tmp_path)
        assert "found no omniglot/images_background_small1.zip in" in refusal(Omniglot(part="small1"), tmp_path)
        assert "found no omniglot-py/images_evaluation.zip in" in refusal(Omniglot(part="evaluation"), tmp_path)

    def test_the_union_of_the_small_ones_has_each_alphabet_once(self, tmp_path: Path) -> None:
        first, second = (tmp_path / omniglot.ARCHIVES[part] for part in ("small1", "small2"))
        self.archive(first)
        self.archive(second, {"Greek": 2, "Tagalog": 3})
        union, one = Omniglot(part="small", size=105), Omniglot(part="small1", size=105)
        data = union.load(tmp_path)
        assert sizes(data) == (16 * 6, 2 * 6, 2 * 6)  # two Greek and one Tifinagh, and three Tagalog
        for split in (data.train, data.validation, data.test):
            assert split.y is not None and split.y.bincount().tolist() == [len(split) // 6] * 6
        before = union.resolved(tmp_path).identity()
        assert before != one.resolved(tmp_path).identity() and before.keys() == {"content"}
        self.archive(second, {"Greek": 2, "Tagalog": 4})
        assert union.resolved(tmp_path).identity() != before
        second.unlink()
        assert "found no omniglot/images_background_small2.zip in" in refusal(union, tmp_path)

    def test_all_archives_are_fetched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def download(url: str, folder: Path, name: str, checksum: str | None) -> None:
            assert url == f"{torchvision.datasets.Omniglot.download_url_prefix}/{name}"
            assert (checksum is None) == ("small" in name)
            self.archive(folder / name)

        monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
        with pytest.raises(RequestError, match=r"images_background\.zip: the file is damaged"):
            Omniglot().fetch(tmp_path)
        assert all((tmp_path / name).exists() for name in omniglot.ARCHIVES.values())

    @pytest.mark.data
    @pytest.mark.skipif(not DATA, reason="GANBENCH_DATA is not set")
    @pytest.mark.parametrize(("part", "classes"), [("small1", 136), ("small2", 156), ("small", 242)])
    def test_the_real_thing(self, part: Any, classes: int) -> None:
        dataset, root = Omniglot(part=part), Path(str(DATA))
        data = dataset.load(root)
        assert data.space == dataset.space(None) == Space((1, 28, 28), classes)
        assert sizes(data) == (16 * classes, 2 * classes, 2 * classes)
        assert data.train.y is not None and data.train.y.bincount().tolist() == [16] * classes
        assert 0.8 < data.train.x.double().mean() / 255 < 0.95  # mostly paper
        means = torch.stack([data.train.x[data.train.y == i].double().mean(dim=0).flatten() for i in range(classes)])
        assert data.test.y is not None
        nearest = torch.cdist(data.test.x.flatten(1).double(), means).argmin(dim=1)
        assert (nearest == data.test.y).double().mean() > 0.15  # chance is below 0.01


class TestCelebA:
    def faces(self, root: Path) -> dict[str, np.ndarray]:
        """Six flat images with a frame around the middle 108 x 108, and their partition; in no order."""
        images = {}
        for number, level in enumerate((20, 60, 100, 140, 180, 220), start=1):
            pixels = np.full((218, 178, 3), 255, dtype=np.uint8)
            pixels[55:163, 35:143] = level
            images[f"{number:06}.jpg"] = pixels
        write_zip(
            root / celeba.ARCHIVE,
            {f"img_align_celeba/{name}": encoded(pixels, "bmp") for name, pixels in images.items()},
        )
        parts = zip(images, (0, 2, 0, 1, 0, 2), strict=True)
        (root / celeba.PARTITION).write_text("".join(f"{name} {part}\n" for name, part in parts))
        return images

    def test_published_splits_of_cropped_faces(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.faces(tmp_path)
        pretend_published(CelebA, tmp_path, monkeypatch)
        data = CelebA(size=32).load(tmp_path)
        assert data.space == CelebA(size=32).space(None) == Space((3, 32, 32))
        levels = [split.x.flatten(1).unique(dim=1).tolist() for split in (data.train, data.validation, data.test)]
        assert levels == [[[20], [100], [180]], [[140]], [[60], [220]]]

    def test_a_wider_crop_sees_more(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.faces(tmp_path)
        pretend_published(CelebA, tmp_path, monkeypatch)
        x = CelebA(size=148, crop=148).load(tmp_path).train.x
        assert (x[0, :, :20] == 255).all() and (x[0, :, 20:128, 20:128] == 20).all() and (x[0, :, 128:] == 255).all()


class TestLSUN:
    @pytest.fixture
    def towers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[bytes]], None]:
        """Writes a database of towers."""
        lmdb = pytest.importorskip("lmdb")
        monkeypatch.setattr(lsun, "HELD_OUT", 2)

        def write(values: list[bytes]) -> None:
            with lmdb.open(str(tmp_path / "tower_train_lmdb")) as base, base.begin(write=True) as writing:
                for number, value in enumerate(values):
                    writing.put(f"{number:04x}".encode(), value)

        return write

    def test_the_first_images_of_the_database(self, towers: Callable[[list[bytes]], None], tmp_path: Path) -> None:
        towers([encoded(np.full((40, 50, 3), 10 * i, dtype=np.uint8), "webp") for i in range(9)])
        before = sorted(Path.cwd().iterdir())
        dataset = LSUN(scene="tower", images=3, size=16)
        dataset.check(tmp_path)
        data = dataset.load(tmp_path)
        assert data.space == dataset.space(None) == Space((3, 16, 16)) and sizes(data) == (3, 2, 2)
        mean = torch.cat([data.train.x, data.validation.x, data.test.x]).double().flatten(1).mean(dim=1)
        assert mean.tolist() == pytest.approx([0, 10, 20, 30, 40, 50, 60], abs=2)  # webp rounds
        assert sorted(Path.cwd().iterdir()) == before  # torchvision's class would leave a pickle there

    def test_all_images_stretched(self, towers: Callable[[list[bytes]], None], tmp_path: Path) -> None:
        """A picture twice as wide as high: the crop sees its grey middle alone, the stretched image its black sides."""
        wide = np.full((32, 64, 3), 128, dtype=np.uint8)
        wide[:, :16] = wide[:, 48:] = 0
        towers([encoded(wide)] * 9)
        cropped = LSUN(scene="tower", images=None, size=8).load(tmp_path)
        stretched = LSUN(scene="tower", images=None, size=8, fit="stretch").load(tmp_path)
        assert sizes(cropped) == sizes(stretched) == (5, 2, 2)
        assert (cropped.train.x == 128).all()
        by_bilinear = np.array(Image.fromarray(wide).resize((8, 8), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        np.testing.assert_array_equal(stretched.train.x[4].numpy(), by_bilinear)
        assert stretched.train.x[0, 0, 4].tolist()[0] == stretched.train.x[0, 0, 4].tolist()[-1] == 0

    def test_too_few_and_damaged_images(self, towers: Callable[[list[bytes]], None], tmp_path: Path) -> None:
        good = encoded(picture(0, 20, 20), "webp")
        towers([good] * 6)
        place = tmp_path / "tower_train_lmdb"
        assert refusal(LSUN(scene="tower", images=3, size=8), tmp_path) == (
            f"{place}: it holds 6 images, but 7 are needed, 4 of them to validate and test. choose a smaller 'images'"
        )
        towers([good, b"no image"])
        text = refusal(LSUN(scene="tower", images=1, size=8), tmp_path)
        assert text.startswith(f"{place}, image 0001: the image can't be read (")

    def test_absent_database_and_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refusal(LSUN(), tmp_path) == (
            f"dataset lsun: found no bedroom_train_lmdb/data.mdb in {tmp_path}. "
            "nothing is downloaded unless you ask for it. "
            "set GANBENCH_DATA to a folder that holds the files, or run `ganbench fetch lsun`"
        )
        monkeypatch.setitem(sys.modules, "lmdb", None)
        with pytest.raises(RequestError) as error:
            LSUN().check(tmp_path)
        assert str(error.value) == (
            "dataset lsun: the package lmdb is not installed. it reads LSUN's databases. pip install 'ganbench[lsun]'"
        )

    def test_the_archive_of_the_scene_is_fetched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, Path]] = []
        name = "torchvision.datasets.utils.download_and_extract_archive"
        monkeypatch.setattr(name, lambda url, root: asked.append((url, root)))
        with pytest.raises(RequestError, match=r"found no tower_train_lmdb/data\.mdb"):
            LSUN(scene="tower").fetch(tmp_path)
        assert asked == [("http://dl.yf.io/lsun/scenes/tower_train_lmdb.zip", tmp_path)]
