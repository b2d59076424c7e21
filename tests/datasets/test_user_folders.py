"""A user's folders and zip archives: what is read, what is left out with a note, and which classes are found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from ganbench.datasets.arrays import Arrays
from ganbench.datasets.base import Data, Space
from ganbench.datasets.hwdb import HWDB
from ganbench.datasets.images import Images
from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from tests.support.image_files import save


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    return tmp_path


def fill(*folders: str, each: int = 10, name: str = "{i:02}.png") -> None:
    for number, folder in enumerate(folders):
        for i in range(each):
            save(Path(folder) / name.format(i=i, number=number), 100 * number + i)


def load(path: str = "set") -> Data:
    """The data, whose space is known before they are read."""
    data = Images(path=path).load(None)
    assert data.space == Images(path=path).space(None)
    return data


def notes(path: str = "set") -> str:
    return "\n".join(Images(path=path).load(None).notes)


def size(data: Data) -> int:
    return len(data.train) + len(data.validation) + len(data.test)


def content(path: str = "set") -> str:
    return Images(path=path).resolved(None).content


def refusal(path: str = "set") -> str:
    with pytest.raises(RequestError) as error:
        Images(path=path).load(None)
    return str(error.value)


class TestWhatIsLeftOut:
    def test_linked_folders_are_read(self) -> None:
        fill("set/a", "elsewhere")
        Path("set/b").symlink_to(Path("elsewhere").resolve(), target_is_directory=True)
        assert size(load()) == 20 and load().space.classes == 2
        assert notes() == "set: 2 classes, the folders: a, b"

    def test_a_linked_set_and_linked_files(self) -> None:
        fill("real")
        Path("set").symlink_to("real", target_is_directory=True)
        assert size(load()) == 10 and content() == content("real")
        Path("files").mkdir()
        for file in Path("real").iterdir():
            Path("files", file.name).symlink_to(file.resolve())
        assert size(load("files")) == 10 and content("files") == content("real")

    def test_links_in_a_circle_end(self) -> None:
        fill("set/a")
        Path("set/a/up").symlink_to(Path("set").resolve(), target_is_directory=True)
        Path("set/self.png").symlink_to("self.png")
        assert size(load()) == 10
        assert notes() == (
            "set: 10 images read, left out: broken links: 1 (self.png); links to a folder above them: 1 (a/up)"
        )

    def test_broken_links(self) -> None:
        fill("set")
        for name in ("x.png", "y.png", "z.png", "zz.png"):
            Path("set", name).symlink_to("nowhere.png")
        assert notes() == "set: 10 images read, left out: broken links: 4 (x.png, y.png, z.png, ...)"

    def test_folders_that_can_not_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fill("set/a", "set/b", "set/closed")
        scandir = os.scandir

        def closed(folder: Path) -> object:  # the superuser may read any folder, so permissions would show nothing
            if Path(folder).name == "closed":
                raise PermissionError(13, "Permission denied")
            return scandir(folder)

        monkeypatch.setattr(os, "scandir", closed)
        assert "20 images read, left out: folders that can't be read: 1 (closed)" in notes()

    @pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".Png", ".tga", ".apng", ".TIFF"])
    def test_other_names_of_known_formats_are_read(self, suffix: str) -> None:
        fill("set", each=3)
        save("x.png" if suffix.lower().endswith("png") else f"x{suffix.lower().replace('jfif', 'jpg')}", 9)
        (source,) = (file for file in Path().iterdir() if file.name.startswith("x."))
        shutil.move(source, f"set/x{suffix}")
        assert size(load()) == 4 and notes() == ""

    def test_other_and_hidden_files_are_counted(self) -> None:
        fill("set")
        for name in ("a.heic", "b.heic", "notes.txt", "README", ".x.png", ".DS_Store", "._00.png", "Thumbs.db"):
            Path("set", name).write_bytes(b"")
        os.mkfifo("set/pipe.png")
        assert notes() == (
            "set: 10 images read, left out: devices and pipes: 1 (pipe.png); hidden files: 1 (.x.png); "
            "other files: 4 (2 .heic, 1 no suffix, 1 .txt)"
        )

    def test_a_set_of_unknown_formats(self) -> None:
        Path("set").mkdir()
        Path("set/a.heic").write_bytes(b"")
        assert "set: there is no image in it (left out: other files: 1 (1 .heic))" in refusal()

    def test_names_that_are_not_utf_8(self) -> None:
        fill("set")
        Path("set/00.png").rename(os.fsdecode(b"set/\xff\xfe.png"))
        assert size(load()) == 10 and len(content()) == 64

    def test_characters_in_linked_folders(self) -> None:
        body = b"".join((10 + 4).to_bytes(4, "little") + b"\xb0\xa1\2\0\2\0" + bytes([i] * 4) for i in range(10))
        Path("elsewhere").mkdir()
        Path("elsewhere/a.gnt").write_bytes(body)
        Path("set").mkdir()
        Path("set/part").symlink_to(Path("elsewhere").resolve(), target_is_directory=True)
        Path("set/b.gnt").symlink_to("nowhere")
        Path("set/readme.txt").write_text("")
        data = HWDB(path="set").load(None)
        assert size(data) == 10
        assert data.notes == (
            f"{Path('set').resolve()}: 1 .gnt files read, left out: broken links: 1 (b.gnt); other files: 1 (1 .txt)",
        )


class TestArchives:
    def test_folders_of_a_zip_from_windows(self) -> None:
        fill("set/a", "set/b")
        with zipfile.ZipFile("set.zip", "w") as archive:
            for file in sorted(Path("set").rglob("*.png")):
                archive.writestr(zipfile.ZipInfo(str(file.relative_to("set")).replace("/", "\\")), file.read_bytes())
        assert load("set.zip").space == Space((3, 8, 8), 2)
        assert torch.equal(load("set.zip").train.x, load().train.x)
        assert content("set.zip") != digest(Path("set.zip"))  # its runs by 0.1 had no classes

    def test_names_that_recur(self) -> None:
        fill("set")
        with warnings.catch_warnings(), zipfile.ZipFile("set.zip", "w") as archive:
            warnings.simplefilter("ignore")
            for i in range(10):
                archive.write(f"set/{i:02}.png", f"{i:02}.png")
            archive.write("set/05.png", "00.png")
        assert size(load("set.zip")) == 10
        assert notes("set.zip") == "set.zip: 10 images read, left out: replaced by a later file of its name: 1 (00.png)"
        assert content("set.zip") != digest(Path("set.zip"))

    def test_an_absolute_name_is_inside_the_archive(self) -> None:
        save("good.png")
        with zipfile.ZipFile("set.zip", "w") as archive:
            archive.write("good.png", "good.png")
            archive.writestr("/etc/bad.png", b"no image")
        assert refusal("set.zip").startswith(f"{Path.cwd()}/set.zip/etc/bad.png: ")

    def test_a_damaged_archive(self) -> None:
        fill("set")
        body = Path(shutil.make_archive("set", "zip", "set")).read_bytes()
        Path("set.zip").write_bytes(body.replace(b"PK\1\2", b"PK\1\3"))
        assert "set.zip: the zip archive can't be read (" in refusal("set.zip")

    @pytest.mark.parametrize(
        ("form", "says"),
        [
            ("tar", "it is a tar archive. a folder or a zip archive of images. unpack it, and name the folder"),
            ("gztar", "it is a gzip file. a folder or a zip archive of images. unpack it, and name the folder"),
            ("xztar", "it is an xz file. a folder or a zip archive of images. unpack it, and name the folder"),
        ],
    )
    def test_other_archives_are_named(self, form: str, says: str) -> None:
        fill("set")
        assert says in refusal(str(Path(shutil.make_archive("set", form, "set")).name))

    def test_other_files_are_named(self) -> None:
        save("one.png")
        assert "one.png: it is a single image" in refusal("one.png") and "name its folder" in refusal("one.png")
        for name, value in (("new.pt", True), ("old.pt", False)):
            torch.save(torch.zeros(3), name, _use_new_zipfile_serialization=value)
            assert f"{name}: it is a file of torch.save" in refusal(name)
        Path("h5.zip").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
        assert "h5.zip: it is an HDF5 file" in refusal("h5.zip")

    def test_a_pipe_is_not_read(self) -> None:
        os.mkfifo("pipe.zip")
        assert "pipe.zip: it is neither a folder nor a zip archive" in refusal("pipe.zip")
        for use in (Images(path="pipe.zip").resolved, Arrays(path="pipe.zip").resolved, Arrays(path="pipe.zip").load):
            with pytest.raises(RequestError, match=r"it is not a plain file|neither a folder nor"):
                use(None)


class TestClasses:
    def test_they_are_named(self) -> None:
        fill(*(f"set/c{i}" for i in range(10)), each=1)
        assert notes() == "set: 10 classes, the folders: c0, c1, c2, c3, c4, c5, c6, c7, ..."

    @pytest.mark.parametrize(
        "names",
        [
            ["00000/img00000999.png", "00001/img00001000.png", "00001/img00001999.png"],
            ["00000/00003.png", "01000/01004.png", "69000/69999.png"],
            ["00000/000000000.jpg", "00001/000010003.jpg", "00002/000020001.jpg"],
        ],
        ids=["stylegan", "ffhq", "img2dataset"],
    )
    def test_parts_of_one_set_are_none(self, names: list[str]) -> None:
        for i, name in enumerate(names):
            save(f"set/{name}", i)
        assert load().space.classes == 0 and load().train.y is None
        assert notes() == "set: its numbered folders hold parts of one set and are no classes"
        assert content() != hash_of([*names])  # its runs by 0.1 had classes

    @pytest.mark.parametrize(
        "names",
        [
            ["0/1.png", "1/2.png", "2/3.png"],
            ["00000/000.png", "00001/000.png", "00002/000.png"],
            ["00000/img00000001.png", "00001/img00000002.png", "00002/img00000003.png"],
            ["0000/a.png", "0001/b.png", "0002/c.png"],
        ],
    )
    def test_numbered_classes_stay(self, names: list[str]) -> None:
        for i, name in enumerate(names):
            save(f"set/{name}", i)
        assert load().space.classes == 3 and content() == plain_content()

    @pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
    @pytest.mark.parametrize("above", ["", "cifar/"], ids=["root", "below"])
    def test_labels_of_dataset_json(self, archived: bool, above: str) -> None:
        labels = []
        for i in range(12):
            name = f"{i // 6:05}/img{1000 * (i // 6) + i:08}.png"
            save(f"set/{above}{name}", i)
            labels.append([name.replace("/", "\\") if i % 2 else name, 7 + i % 3])
        Path(f"set/{above}dataset.json").write_text(json.dumps({"labels": labels}))
        path = shutil.make_archive("set", "zip", "set") if archived else "set"
        data = load(path)
        assert data.space.classes == 3 and notes(path).endswith("3 classes, the labels in dataset.json: 7, 8, 9")
        y = torch.cat([part.y for part in (data.train, data.validation, data.test) if part.y is not None])
        assert y.bincount().tolist() == [4, 4, 4]

    def test_labels_count_in_the_content(self) -> None:
        fill("set", each=4)
        before, labels = content(), [[f"{i:02}.png", i % 2] for i in range(4)]
        Path("set/dataset.json").write_text(json.dumps({"labels": labels}))
        first = content()
        Path("set/dataset.json").write_text(json.dumps({"labels": [*labels[1:], ["00.png", 1]]}))
        os.utime("set/dataset.json", ns=(1, 1))
        assert len({before, first, content()}) == 3
        Path("set/dataset.json").write_text('{"labels": null}')
        assert content() == before
        assert notes() == "set: dataset.json gives no labels, so there are no classes"

    def test_null_labels_come_before_folders(self) -> None:
        fill("set/a", "set/b")
        Path("set/dataset.json").write_text('{"labels": null}')
        assert load().space.classes == 0 and content() != plain_content()

    def test_a_dataset_json_of_another_program(self) -> None:
        fill("set/a", "set/b")
        Path("set/dataset.json").write_text('{"name": "mine"}')
        assert load().space.classes == 2 and content() == plain_content()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("{", "it can't be read ("),
            ('{"labels": [["00.png", 1]]}', "9 images have no label in it, the first is 01.png"),
            ('{"labels": [1, 2]}', "its labels are not pairs of a file and a class"),
            ('{"labels": 3}', "its labels are not pairs of a file and a class"),
            (
                json.dumps({"labels": [[f"{i:02}.png", [0.5, 1]] for i in range(10)]}),
                "the label [0.5, 1] is not a",
            ),
            (json.dumps({"labels": [[f"{i:02}.png", True] for i in range(10)]}), "the label True is not a whole"),
        ],
    )
    def test_labels_that_can_not_be_used(self, text: str, says: str) -> None:
        fill("set")
        Path("set/dataset.json").write_text(text)
        assert f"dataset.json: {says}" in refusal() and "or null. correct the file or remove it" in refusal()


class TestSplits:
    @pytest.mark.parametrize("names", ["{split}/{kind}", "photos/{split}/{kind}", "{split}/deep/{kind}"])
    def test_folders_of_splits_are_no_classes(self, names: str) -> None:
        kinds = [names.format(split=split, kind=kind) for split in ("train", "test") for kind in "ab"]
        fill(*(f"set/{kind}" for kind in kinds))
        data = load()
        assert data.space.classes == 2
        assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 20)
        assert data.test.y is not None and data.test.y.bincount().tolist() == [10, 10]
        assert "set: its folders are the splits " in notes() and notes().count("2 classes, the folders: a, b") == 1
        assert content() != plain_content()

    def test_splits_without_classes(self) -> None:
        fill("set/Train", "set/val", "set/testing", each=4)
        data = load()
        assert data.space.classes == 0
        assert (len(data.train), len(data.validation), len(data.test)) == (4, 4, 4)

    def test_a_single_split_is_a_set(self) -> None:
        fill("set/train/a", "set/train/b")
        assert load().space.classes == 2 and content() == plain_content()

    def test_other_folders_beside_them_are_classes(self) -> None:
        fill("set/train", "set/other")
        assert load().space.classes == 2 and content() == plain_content()

    def test_folders_below_classes_are_classes(self) -> None:
        fill("set/x/run1/train", "set/x/run1/test", "set/x/run2/train", "set/x/run2/test")
        assert load().space.classes == 4 and content() == plain_content()
        assert notes() == "set: 4 classes, the folders: run1/test, run1/train, run2/test, run2/train"

    def test_no_training_images(self) -> None:
        fill("set/val", "set/test")
        assert "set: its folders are the splits test and validation. training images. add a folder 'train'" in refusal()


def plain_content(place: str = "set") -> str:
    """The hash of ganbench 0.1, which stays for what is read as before: run ids depend on it."""
    return hash_of([file.relative_to(place).as_posix() for file in Path(place).rglob("*.png")], place)


def hash_of(names: list[str], place: str = "set") -> str:
    lines = "".join(f"{name}\0{digest(Path(place, name))}\n" for name in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def test_the_content_of_ordinary_sets_is_that_of_0_1() -> None:
    fill("set/a", "set/b/deep")
    fill("flat")
    Path("set/notes.txt").write_text("")
    assert content() == plain_content() and content("flat") == plain_content("flat")
    shutil.make_archive("set", "zip", "set")
    assert content("set.zip") == digest(Path("set.zip"))
