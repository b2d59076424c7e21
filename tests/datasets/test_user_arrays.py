"""A user's .npy and .npz files: what is read, what is refused with which words, and what identifies them."""

from __future__ import annotations

import os
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganbench.datasets.arrays import Arrays
from ganbench.datasets.base import Data, Space
from ganbench.errors import RequestError
from ganbench.spec import plain

DATA = os.environ.get("GANBENCH_DATA")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
POINTS = RNG.normal(size=(40, 3))
LABELS = np.arange(40) % 4
STATISTICS = {"mu": np.zeros(9), "sigma": np.eye(9), "mu_s": np.zeros(9), "sigma_s": np.eye(9)}
ALLOWED = "samples are uint8 images (N, H, W) or (N, H, W, C) with C 1 or 3, or floating-point points (N, d)"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files lie in the current folder and no data folder is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    return tmp_path


def load_npy(values: np.ndarray) -> Data:
    np.save("a.npy", values)
    return load("a.npy")


def load_npz(**arrays: Any) -> Data:
    np.savez("a.npz", **arrays)
    return load("a.npz")


def load(path: str) -> Data:
    dataset = Arrays(path=path)
    data = dataset.load(None)
    assert data.space == dataset.space(None)
    return data


def whole(data: Data) -> torch.Tensor:
    return torch.cat([data.train.x, data.validation.x, data.test.x])


def refusal(**arrays: Any) -> str:
    with pytest.raises(RequestError) as error:
        load_npz(**arrays)
    with pytest.raises(RequestError):
        Arrays(path="a.npz").load(None)
    return str(error.value).removeprefix(f"{Path.cwd() / 'a.npz'}: ")


class TestReading:
    def test_colour_images_move_their_channels_first(self) -> None:
        data = load_npy(IMAGES)
        assert data.space == Space((3, 6, 5))
        assert data.train.x.dtype == torch.uint8 and data.train.x.is_contiguous() and data.train.y is None
        wanted = sorted(image.transpose(2, 0, 1).tobytes() for image in IMAGES)
        assert sorted(image.numpy().tobytes() for image in whole(data)) == wanted

    @pytest.mark.parametrize("shape", [(40, 6, 5), (40, 6, 5, 1)])
    def test_grey_images_have_one_channel(self, shape: tuple[int, ...]) -> None:
        assert load_npy(IMAGES[..., 0].reshape(shape)).space == Space((1, 6, 5))

    @pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f8"])
    def test_points_become_float32(self, dtype: str) -> None:
        data = load_npy(POINTS.astype(dtype))
        assert data.space == Space((3,)) and data.train.x.dtype == torch.float32
        wanted = POINTS.astype(dtype).astype(np.float32)
        assert sorted(map(tuple, whole(data).tolist())) == sorted(map(tuple, wanted.tolist()))

    def test_fortran_order(self) -> None:
        np.save("c.npy", IMAGES)
        np.save("f.npy", np.asfortranarray(IMAGES))
        assert torch.equal(load("c.npy").train.x, load("f.npy").train.x)

    def test_one_array_is_split_eight_one_one(self) -> None:
        first, again = load_npy(POINTS), load_npy(POINTS)
        assert (len(first.train), len(first.validation), len(first.test)) == (32, 4, 4)
        assert torch.equal(first.test.x, again.test.x)

    def test_named_splits_are_kept_as_they_are(self) -> None:
        data = load_npz(x_train=POINTS[:20], x_val=POINTS[20:25], x_test=POINTS[25:])
        assert (len(data.train), len(data.validation), len(data.test)) == (20, 5, 15)
        np.testing.assert_array_equal(data.test.x.numpy(), POINTS[25:].astype(np.float32))

    @pytest.mark.parametrize(
        ("x", "y"), [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}", "y_{}")], ids=["keras", "medmnist", "plain"]
    )
    def test_common_names(self, x: str, y: str) -> None:
        parts = {"train": slice(0, 20), "val": slice(20, 28), "test": slice(28, 40)}
        arrays = {x.format(name): IMAGES[part] for name, part in parts.items()}
        arrays |= {y.format(name): LABELS[part, None] for name, part in parts.items()}
        data = load_npz(**arrays)
        assert data.space == Space((3, 6, 5), classes=4)
        assert (len(data.train), len(data.validation), len(data.test)) == (20, 8, 12)

    def test_validation_is_a_tenth_of_the_training_samples(self) -> None:
        data = load_npz(x_train=POINTS[:30], y_train=LABELS[:30], x_test=POINTS[30:], y_test=LABELS[30:])
        assert (len(data.train), len(data.validation), len(data.test)) == (27, 3, 10)

    def test_labels_are_numbered_in_order_and_stay_with_their_samples(self) -> None:
        data = load_npz(x=POINTS, y=LABELS.astype(np.uint8) * 10 + 5)  # 5, 15, 25, 35
        assert data.space.classes == 4
        label_of = {
            row: label for row, label in zip(map(tuple, POINTS.astype(np.float32).tolist()), LABELS, strict=True)
        }
        for part in (data.train, data.validation, data.test):
            assert part.y is not None and part.y.dtype == torch.int64
            assert [label_of[tuple(row)] for row in part.x.tolist()] == part.y.tolist()

    def test_the_toronto_face_dataset_is_such_a_file(self) -> None:
        faces, feelings = RNG.integers(0, 256, (70, 48, 48), dtype=np.uint8), np.arange(70) % 7 + 1
        data = load_npz(x_train=faces[:50], x_test=faces[50:], y_train=feelings[:50], y_test=feelings[50:])
        assert data.space == Space((1, 48, 48), classes=7)
        assert (len(data.train), len(data.validation), len(data.test)) == (45, 5, 20)

    def test_compressed_files(self) -> None:
        np.savez_compressed("c.npz", x=POINTS, y=LABELS)
        np.savez("a.npz", x=POINTS, y=LABELS)
        assert torch.equal(load("c.npz").train.x, load("a.npz").train.x)

    def test_the_space_is_known_from_headers(self) -> None:
        np.save("a.npy", IMAGES)
        body = Path("a.npy").read_bytes()
        Path("a.npy").write_bytes(body[: -IMAGES.nbytes + 1])  # all but one of the pixels are gone
        assert Arrays(path="a.npy").space(None) == Space((3, 6, 5))
        with pytest.raises(RequestError, match="the file can't be read"):
            Arrays(path="a.npy").load(None)


class TestRefusals:
    @pytest.mark.parametrize(
        ("values", "given", "todo"),
        [
            (IMAGES / 255, "float64 (40, 6, 5, 3)", "scale the images to 0..255, round them and save them as uint8"),
            (IMAGES.transpose(0, 3, 1, 2), "uint8 (40, 3, 6, 5)", "move the channels last: x.transpose(0, 2, 3, 1)"),
            (IMAGES.reshape(40, -1), "uint8 (40, 90)", "reshape images to (N, H, W); save points as float32"),
            (LABELS, "int64 (40,)", "convert the array and save it again"),
            (POINTS[0], "float64 (3,)", "convert the array and save it again"),
            (POINTS > 0, "bool (40, 3)", "convert the array and save it again"),
            (POINTS + 0j, "complex128 (40, 3)", "convert the array and save it again"),
            (IMAGES[..., :2], "uint8 (40, 6, 5, 2)", "convert the array and save it again"),
            (POINTS.astype(object), "object (40, 3)", "save plain numbers; Python objects are never unpickled"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_samples_can_not_be(self, values: np.ndarray, given: str, todo: str) -> None:
        assert refusal(x_train=values) == f"the array 'x_train' is {given}. {ALLOWED}. {todo}"

    def test_empty(self) -> None:
        wanted = f"the array 'x' is empty: uint8 (0, 6, 5). {ALLOWED}. add at least one sample"
        assert refusal(x=IMAGES[:0, :, :, 0]) == wanted
        assert "the array 'x_test' is empty" in refusal(x_train=POINTS, x_test=POINTS[:0])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
    def test_numbers_that_are_not_finite(self, bad: float) -> None:
        values = POINTS.copy()
        values[[7, 31], 1] = bad
        np.savez("a.npz", x=values)
        with pytest.raises(RequestError) as error:
            Arrays(path="a.npz").load(None)
        assert str(error.value) == (
            f"{Path.cwd() / 'a.npz'}: the array 'x' has numbers that are not finite in float32 in 2 rows, "
            "the first in row 7. finite numbers only. correct or remove these rows"
        )

    def test_splits_of_different_kinds(self) -> None:
        assert refusal(x_train=POINTS, x_test=POINTS[:, :2]) == (
            "'x_test' is float64 (40, 2) but 'x_train' is float64 (40, 3). "
            "the samples of all splits have the same shape and type. correct the file"
        )

    def test_labels_that_do_not_fit(self) -> None:
        assert refusal(x=POINTS, y=LABELS[:-1]) == (
            "the array 'y' holds 39 labels for 40 samples. one label per sample. correct the file"
        )
        assert refusal(x=POINTS, y=LABELS / 2) == (
            "the array 'y' is float64 (40,). labels are whole numbers (N,). convert the labels"
        )
        assert "labels are whole numbers" in refusal(x=POINTS, y=np.eye(40, dtype=int))
        assert refusal(x_train=POINTS, y_train=LABELS, x_test=POINTS) == (
            "there are labels only for 'x_train'. either all splits have labels or none has. "
            "add or remove 'y_...' arrays"
        )

    def test_names_that_say_nothing(self) -> None:
        names = "one array; or 'x' and 'y'; or 'x_train', 'x_val', 'x_test' with labels 'y_train', 'y_val', 'y_test'"
        wanted = f"it holds the arrays 'a', 'b'. {names}. rename the arrays"
        assert refusal(a=POINTS, b=POINTS) == wanted
        assert refusal(x_train=POINTS, x_vaild=POINTS) == (
            f"it holds the arrays 'x_train', 'x_vaild'. {names}. rename or remove 'x_vaild'"
        )
        assert refusal() == f"it holds the arrays (none). {names}. rename the arrays"

    @pytest.mark.parametrize(
        "body", [b"", b"hello, world", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00v\x00{'descr'"]
    )
    def test_files_that_are_none(self, body: bytes, here: Path) -> None:
        Path("a.npy").write_bytes(body)
        with pytest.raises(RequestError) as error:
            load("a.npy")
        text = str(error.value)
        assert text.startswith(f"{here / 'a.npy'}: the file can't be read (")
        assert text.endswith("a .npy or .npz file of plain numbers. save it again with numpy.save or numpy.savez")

    @pytest.mark.parametrize("damage", [b"}}", b"(((", b"'", "é".encode(), b"os", b"\0", b"-1,"])
    def test_a_damaged_header(self, damage: bytes, here: Path) -> None:
        """numpy reads it as Python, whose errors are of many kinds."""
        np.save("a.npy", POINTS)
        body = bytearray(Path("a.npy").read_bytes())
        start = body.index(b"(40")
        body[start : start + len(damage)] = damage
        Path("a.npy").write_bytes(bytes(body))
        with pytest.raises(RequestError) as error:
            load("a.npy")
        assert str(error.value).startswith(
            f"{here / 'a.npy'}: the file can't be read (the header of an array is damaged)"
        )

    def test_an_encrypted_archive(self) -> None:
        np.savez("a.npz", x=POINTS)
        body = Path("a.npz").read_bytes()
        start = body.index(b"PK\1\2")
        Path("a.npz").write_bytes(body[: start + 8] + b"\1" + body[start + 9 :])
        with pytest.raises(RequestError, match=r"the file can't be read \(.*encrypted"):
            load("a.npz")

    def test_a_pickle_is_not_opened(self) -> None:
        np.save("a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(RequestError, match="Python objects are never unpickled"):
            load("a.npy")

    def test_a_truncated_archive(self) -> None:
        np.savez("a.npz", x=POINTS)
        Path("a.npz").write_bytes(Path("a.npz").read_bytes()[:-30])
        with pytest.raises(RequestError, match="the file can't be read"):
            load("a.npz")

    def test_absent_file(self, here: Path) -> None:
        with pytest.raises(RequestError) as error:
            load("none.npz")
        assert str(error.value) == (
            f"{here / 'none.npz'}: there is no such file or folder. a relative path starts at the current folder "
            "(GANBENCH_DATA is not set). correct the path"
        )
        with pytest.raises(RequestError, match="a relative path starts at GANBENCH_DATA"):
            Arrays(path="none.npz").load(here)

    def test_a_folder(self, here: Path) -> None:
        with pytest.raises(RequestError, match="the file can't be read"):
            load(".")
        with pytest.raises(RequestError, match="the file can't be read"):
            Arrays(path=".").resolved(None)

    def test_suites_must_give_a_path_and_nothing_unknown(self) -> None:
        adapter = TypeAdapter(Arrays)
        assert adapter.validate_json('{"path": "a.npz"}') == Arrays(path="a.npz")
        for body in ("{}", '{"path": 3}', '{"path": "a", "key": "x"}'):
            with pytest.raises(ValidationError):
                adapter.validate_json(body)


class TestUnnamedArrays:
    """`arr_0` among others, as ADM and numpy's own `savez` write them."""

    def test_labels_of_adm(self) -> None:
        for labels in (LABELS, LABELS[:, None]):
            data = load_npz(arr_0=IMAGES, arr_1=labels)
            assert data.space == Space((3, 6, 5), classes=4) and data.notes == ()

    def test_statistics_beside_samples_are_left_out(self) -> None:
        data = load_npz(arr_0=IMAGES, **STATISTICS)
        assert data.space == Space((3, 6, 5)) and sum(map(len, (data.train, data.validation, data.test))) == 40
        (note,) = data.notes
        assert note.startswith(f"{Path.cwd() / 'a.npz'}: 'arr_0' was read; left out: 'mu' (statistics of features, ")
        assert load_npz(x_train=IMAGES, x_test=IMAGES, mu=np.zeros(9)).notes

    def test_other_arrays_are_left_out(self) -> None:
        data = load_npz(arr_0=POINTS, arr_1=POINTS[:5], arr_2=LABELS)
        assert data.space == Space((3,))
        (note,) = data.notes
        assert note.endswith("'arr_0' was read; left out: 'arr_1' (float64 (5, 3)), 'arr_2' (int64 (40,))")
        labelled = load_npz(arr_0=POINTS, labels=LABELS, extra=LABELS)
        assert labelled.space.classes == 4
        assert labelled.notes[0].endswith("'arr_0' with the labels 'labels' was read; left out: 'extra' (int64 (40,))")

    def test_statistics_alone_are_no_samples(self) -> None:
        assert refusal(**STATISTICS).startswith(
            "it holds statistics of features, 'mu', 'mu_s', 'sigma', 'sigma_s', and no samples"
        )


class TestFormats:
    """A file is what its content says, whatever its name."""

    @pytest.mark.parametrize("name", ["a.NPY", "a.data", "a"])
    def test_the_name_does_not_count(self, name: str) -> None:
        np.save("a.npy", POINTS)
        Path("a.npy").rename(name)
        assert load(name).space == Space((3,))

    def test_other_files_are_named(self) -> None:
        torch.save(torch.zeros(3), "a.npz")
        torch.save(torch.zeros(3), "a.npy", _use_new_zipfile_serialization=False)
        with tarfile.open("b.npz", "w") as archive:
            archive.add("a.npz")
        Path("c.npy").write_bytes(b"\x80\x04\x95")
        plain_text = "a .npy or .npz file of plain numbers"
        for name, says in (
            (
                "a.npz",
                f"it is a file of torch.save. {plain_text}. save the samples with numpy.save(",
            ),
            (
                "a.npy",
                f"it is a file of torch.save. {plain_text}. save the samples with numpy.save(",
            ),
            ("b.npz", f"it is a tar archive. {plain_text}. unpack it, and name the folder"),
            ("c.npy", f"it is a pickle. {plain_text}. save the samples with numpy.save; pickles are never opened"),
        ):
            for use in (Arrays(path=name).load, Arrays(path=name).space):
                with pytest.raises(RequestError) as error:
                    use(None)
                assert f"{name}: {says}" in str(error.value)

    def test_two_arrays_of_a_name(self) -> None:
        np.savez("a.npz", x=POINTS)
        with warnings.catch_warnings(), zipfile.ZipFile("a.npz", "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("x.npy", archive.read("x.npy"))
        with pytest.raises(RequestError, match="it holds two arrays of the name 'x'"):
            load("a.npz")


class TestIdentity:
    def test_the_path_is_no_part_of_it(self, here: Path) -> None:
        (here / "sub").mkdir()
        np.save("a.npy", POINTS)
        np.save("sub/b.npy", POINTS)
        one, other = Arrays(path="a.npy").resolved(None), Arrays(path=str(here / "sub/b.npy")).resolved(None)
        assert plain(one) == plain(other)
        assert plain(one).keys() == {"kind", "version", "content"}
        assert one.notation() == other.notation() == f"arrays[content={one.identity()['content'][:8]}]"
        assert plain(Arrays(path="b.npy").resolved(here / "sub")) == plain(other)

    def test_one_changed_pixel_is_another_dataset(self) -> None:
        np.save("a.npy", IMAGES)
        before = plain(Arrays(path="a.npy").resolved(None))
        assert plain(Arrays(path="a.npy").resolved(None)) == before
        changed = IMAGES.copy()
        changed[17, 3, 2, 1] ^= 1
        np.save("a.npy", changed)
        stat = Path("a.npy").stat()
        os.utime("a.npy", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))  # clocks of some disks are coarse
        assert plain(Arrays(path="a.npy").resolved(None)) != before

    def test_the_environment_is_not_read(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (here / "sub").mkdir()
        np.save("sub/a.npy", POINTS)
        monkeypatch.setenv("GANBENCH_DATA", str(here / "sub"))
        with pytest.raises(RequestError, match="there is no such file or folder"):
            Arrays(path="a.npy").resolved(here)

    def test_a_relative_path_has_no_identity_before_it_is_resolved(self) -> None:
        np.save("a.npy", POINTS)
        for ask in (Arrays(path="a.npy").identity, Arrays(path="a.npy").notation, lambda: plain(Arrays(path="a.npy"))):
            with pytest.raises(RequestError) as error:
                ask()
            assert str(error.value) == (
                "dataset arrays: the content of its files is not known yet, so it has no identity. files are hashed "
                "when a suite is loaded. load it from a suite, or take `dataset.resolved(data_folder)`"
            )

    def test_relative_paths_start_at_the_data_folder(self, here: Path) -> None:
        (here / "data").mkdir()
        np.save("data/a.npy", POINTS)
        assert Arrays(path="a.npy").load(here / "data").space == Space((3,))
        with pytest.raises(RequestError):
            Arrays(path="a.npy").load(None)


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GANBENCH_DATA is not set")
def test_cifar_subset() -> None:
    root = Path(str(DATA))
    data = Arrays(path="cifar10_20k.npz").load(root)
    assert data.space == Arrays(path="cifar10_20k.npz").space(root) == Space((3, 32, 32), classes=10)
    assert (len(data.train), len(data.validation), len(data.test)) == (13_500, 1_500, 5_000)
    assert data.validation.y is not None
    assert data.validation.y.bincount().tolist() == pytest.approx([150] * 10, rel=0.1)
    with np.load(root / "cifar10_20k.npz") as arrays:
        np.testing.assert_array_equal(data.test.x.permute(0, 2, 3, 1).numpy(), arrays["x_test"])
