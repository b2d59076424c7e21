"""A user's folder or zip of images: classes, sizes, refusals, identity."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.datasets.base import Space
from ganbench.datasets.images import Images
from ganbench.datasets.parts.listing import SUFFIXES
from ganbench.errors import RequestError
from ganbench.spec import plain

DATA = os.environ.get("GANBENCH_DATA")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files lie in the current folder and no data folder is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    return tmp_path


def picture(seed: int, width: int = 8, height: int = 8) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def folder(*classes: str, each: int = 10) -> str:
    """A folder `set` with images in each of the sub-folders."""
    for number, name in enumerate(classes):
        path = Path("set") / name
        path.mkdir(parents=True, exist_ok=True)
        for i in range(each):
            picture(100 * number + i).save(path / f"{i:02}.png")
    return "set"


def zipped(path: str) -> str:
    return str(Path(shutil.make_archive(path, "zip", path)).name)


def refusal(dataset: Images) -> str:
    with pytest.raises(RequestError) as error:
        dataset.load(None)
    return str(error.value).removeprefix(f"{Path.cwd()}{os.sep}")


class TestReading:
    def test_the_folder_of_an_image_is_its_class(self) -> None:
        dataset = Images(path=folder("b/deep/er", "a", "b"))
        data = dataset.load(None)
        assert data.space == dataset.space(None) == Space((3, 8, 8), classes=3)
        assert data.train.x.dtype == torch.uint8
        assert (len(data.train), len(data.validation), len(data.test)) == (24, 3, 3)
        for part in (data.validation, data.test):
            assert part.y is not None and sorted(part.y.tolist()) == [0, 1, 2]
        first = np.asarray(Image.open("set/b/deep/er/00.png")).transpose(2, 0, 1)
        x, y = torch.cat([data.train.x, data.validation.x, data.test.x]), labels(data.train, data.validation, data.test)
        index = (x == torch.from_numpy(first.copy())).flatten(1).all(dim=1).nonzero().item()
        assert y[int(index)] == 2  # after `a` and `b`

    def test_one_folder_has_no_labels(self) -> None:
        data = Images(path=folder("")).load(None)
        assert data.space == Space((3, 8, 8)) and data.train.y is None
        shutil.move("set", "only")
        Path("set").mkdir()
        shutil.move("only", "set/only")
        assert Images(path="set").space(None).classes == 0

    def test_a_zip_is_read_as_the_folder_is(self, here: Path) -> None:
        path = folder("a", "b")
        archive = zipped(path)
        before = sorted(here.rglob("*"))
        of_folder, of_zip = Images(path=path).load(None), Images(path=archive).load(None)
        assert torch.equal(of_folder.train.x, of_zip.train.x)
        assert of_folder.space == of_zip.space == Images(path=archive).space(None)
        assert sorted(here.rglob("*")) == before

    def test_other_and_hidden_files_are_left_out(self) -> None:
        path = folder("a", "b")
        Path("set/notes.txt").write_text("hello")
        Path("set/a/.hidden.png").write_bytes(b"")
        Path("set/__MACOSX").mkdir()
        Path("set/__MACOSX/00.png").write_bytes(b"")
        data = Images(path=path).load(None)
        assert data.space.classes == 2
        assert len(data.train) == 16

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_every_mode_becomes_the_channels_asked(self, mode: str, channels: int) -> None:
        Path("set").mkdir()
        for i in range(3):
            picture(i).convert("L").convert(mode).save(f"set/{i}.png")
        data = Images(path="set", channels=channels).load(None)  # type: ignore[arg-type]
        assert data.space == Space((channels, 8, 8))
        wanted = np.asarray(picture(0).convert("L").convert(mode).convert("L" if channels == 1 else "RGB"))
        x = torch.cat([data.train.x, data.validation.x, data.test.x]).permute(0, 2, 3, 1).numpy()
        assert any(np.array_equal(image, wanted.reshape(8, 8, channels)) for image in x)

    def test_grey_is_luma(self) -> None:
        Path("set").mkdir()
        for i in range(3):
            Image.new("RGB", (4, 4), (255, 0, 0)).save(f"set/{i}.png")
        assert Images(path="set", channels=1).load(None).train.x.unique().tolist() == [76]  # 0.299 * 255

    def test_images_are_cropped_to_the_centre_and_resized(self) -> None:
        Path("set").mkdir()
        wide = np.zeros((8, 16, 3), dtype=np.uint8)
        wide[:, 4:12] = 200  # the centred square
        for i in range(3):
            Image.fromarray(wide if i else wide.transpose(1, 0, 2)).save(f"set/{i}.png")
        data = Images(path="set", size=4).load(None)
        assert data.space == Space((3, 4, 4))
        assert data.train.x.unique().tolist() == data.test.x.unique().tolist() == [200]

    def test_resizing_is_antialiased(self) -> None:
        Path("set").mkdir()
        stripes = np.zeros((32, 32, 3), dtype=np.uint8)
        stripes[:, ::2] = 255
        for i in range(3):
            Image.fromarray(stripes).save(f"set/{i}.png")
        x = Images(path="set", size=8).load(None).train.x
        assert 110 < x.min() <= x.max() < 145  # a nearest pixel would be 0 or 255

    def test_images_of_the_asked_size_are_left_alone(self) -> None:
        path = folder("")
        assert torch.equal(Images(path=path, size=8).load(None).test.x, Images(path=path).load(None).test.x)


class TestRefusals:
    def test_mixed_sizes_without_a_size(self) -> None:
        path = folder("a", "b")
        picture(0, 9, 9).save("set/a/05.png")
        picture(0, 7, 7).save("set/b/01.png")
        assert refusal(Images(path=path)) == (
            "set/a/05.png: the image is 9x9, and the first one, a/00.png, is 8x8. "
            "without 'size' all images must be of one size. "
            "crop and resize them, or set 'size' of the dataset 'images', which does both"
        )
        assert Images(path=path, size=8).load(None).space.shape == (3, 8, 8)

    def test_oblong_images_without_a_size(self) -> None:
        path = folder("")
        picture(0, 8, 6).save("set/00.png")
        assert Images(path=path).space(None).shape == (3, 6, 8)
        assert "01.png: the image is 8x8, and the first one, 00.png, is 8x6" in refusal(Images(path=path))

    @pytest.mark.parametrize("damage", ["empty", "text", "truncated"])
    @pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
    def test_a_damaged_image_is_named(self, damage: str, archived: bool) -> None:
        path = folder("a", "b")
        bad = Path("set/b/03.png")
        bodies = {"empty": b"", "text": b"no image", "truncated": bad.read_bytes()[:-60]}
        bad.write_bytes(bodies[damage])
        where = f"{zipped(path)}/b/03.png" if archived else "set/b/03.png"
        text = refusal(Images(path="set.zip" if archived else path))
        assert text.startswith(f"{where}: the image can't be read (")
        assert text.endswith("). whole image files. replace or remove the file")

    def test_a_damaged_archive_member_is_named(self) -> None:
        archive = Path(zipped(folder("")))
        body = archive.read_bytes()
        start = body.index(b"IDAT") + 10
        archive.write_bytes(body[:start] + bytes([body[start] ^ 255]) + body[start + 1 :])
        with pytest.raises(RequestError, match=r"set\.zip.\d\d\.png: the image can't be read"):
            Images(path="set.zip").load(None)

    def test_sixteen_bits(self) -> None:
        path = folder("")
        Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save("set/00.png")
        assert refusal(Images(path=path, size=8)) == (
            "set/00.png: its pixels have more than 8 bits (I;16). 8 bits a channel. convert it"
        )

    def test_nothing_there(self, here: Path) -> None:
        Path("set").mkdir()
        Path("set/notes.txt").write_text("hello")
        allowed = f"files whose names end in {' '.join(sorted(SUFFIXES))}"
        assert refusal(Images(path="set")) == (
            f"set: there is no image in it (left out: other files: 1 (1 .txt)). {allowed}. correct the path"
        )
        zipped("set")
        assert "there is no image in it" in refusal(Images(path="set.zip"))
        assert refusal(Images(path="set/notes.txt")) == (
            "set/notes.txt: it is neither a folder nor a zip archive. a folder or a zip archive of images. "
            "correct the path"
        )
        assert "there is no such file or folder" in refusal(Images(path="nowhere"))

    def test_too_few_to_split(self) -> None:
        assert refusal(Images(path=folder("", each=2))).startswith("set: 2 samples can't be split into")


class TestIdentity:
    def test_place_and_name_of_the_folder_are_no_part_of_it(self) -> None:
        one = plain(Images(path=folder("a", "b")).resolved(None))
        Path("elsewhere").mkdir()
        shutil.copytree("set", "elsewhere/copy")
        Path("elsewhere/copy/notes.txt").write_text("no image")
        assert plain(Images(path="elsewhere/copy").resolved(None)) == one
        assert one.keys() == {"kind", "version", "content", "size", "channels"}
        archive = plain(Images(path=zipped("set")).resolved(None))
        shutil.move("set.zip", "elsewhere/other.zip")
        assert plain(Images(path="elsewhere/other.zip").resolved(None)) == archive

    def test_one_changed_pixel_or_name_is_another_dataset(self) -> None:
        dataset = Images(path=folder("a", "b"))
        before = plain(dataset.resolved(None))
        with Image.open("set/a/00.png") as image:
            pixels = np.array(image)
        pixels[0, 0, 0] ^= 1
        Image.fromarray(pixels).save("set/a/00.png")
        after = Path("set/a/00.png").stat().st_mtime_ns + 1_000_000  # clocks of some disks are coarse
        os.utime("set/a/00.png", ns=(after, after))
        changed = plain(dataset.resolved(None))
        assert changed != before
        shutil.move("set/a/01.png", "set/b/moved.png")
        assert plain(dataset.resolved(None)) not in (before, changed)

    def test_options_count(self) -> None:
        path = folder("")
        assert plain(Images(path=path, size=4).resolved(None)) != plain(Images(path=path, size=8).resolved(None))
        content = Images(path=path).resolved(None).identity()["content"][:8]
        assert Images(path=path, size=4).resolved(None).notation() == f"images[size=4,content={content}]"


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GANBENCH_DATA is not set")
class TestOmniglot:
    def test_characters_are_classes(self) -> None:
        root = Path(str(DATA))
        dataset = Images(path="omniglot/images_background_small1.zip", channels=1)
        data = dataset.load(root)
        assert data.space == dataset.space(root) == Space((1, 105, 105), classes=136)
        assert (len(data.train), len(data.validation), len(data.test)) == (2176, 272, 272)
        assert data.train.x.unique().tolist() == [0, 255]
        assert data.test.y is not None and data.test.y.bincount().tolist() == [2] * 136

    def test_other_files_in_the_archive(self) -> None:
        assert Images(path="omniglot/all_runs.zip", size=16).space(Path(str(DATA))) == Space((3, 16, 16), classes=40)

    def test_archives_differ(self) -> None:
        archives = (Images(path=f"omniglot/images_background_small{i}.zip") for i in (1, 2))
        assert len({archive.resolved(Path(str(DATA))).content for archive in archives}) == 2


def labels(*parts: object) -> torch.Tensor:
    return torch.cat([part.y for part in parts])  # type: ignore[attr-defined]
