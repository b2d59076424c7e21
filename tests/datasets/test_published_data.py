"""MNIST, Fashion-MNIST and CIFAR-10: read from published files only, never fetched unasked."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from ganbench.datasets.base import Downloadable, Space
from ganbench.datasets.cifar10 import CIFAR10
from ganbench.datasets.fashion_mnist import FashionMNIST
from ganbench.datasets.mnist import MNIST
from ganbench.errors import RequestError
from tests.support.published import pretend_published, refusal, small_mnist


def small_cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Four images in each batch file, which torchvision checks as well; returns the first batch (4, 3072)."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    batches = {name.split("/")[1]: rng.integers(0, 256, (4, 3072), dtype=np.uint8) for name in CIFAR10.files}
    md5 = {}
    for name, x in batches.items():
        body = {"label_names": ["a"] * 10} if name == "batches.meta" else {"data": x, "labels": [3, 1, 4, 1]}
        (folder / name).write_bytes(pickle.dumps(body))
        md5[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    source = torchvision.datasets.CIFAR10
    monkeypatch.setattr(source, "train_list", [[f"data_batch_{i}", md5[f"data_batch_{i}"]] for i in range(1, 6)])
    monkeypatch.setattr(source, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(source, "meta", source.meta | {"md5": md5["batches.meta"]})
    return batches["data_batch_1"]


@pytest.mark.parametrize(("dataset", "folder"), [(MNIST, "MNIST"), (FashionMNIST, "FashionMNIST")])
def test_idx_files(
    dataset: type[MNIST | FashionMNIST],
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = small_mnist(tmp_path / folder)
    pretend_published(dataset, tmp_path, monkeypatch)
    data = dataset(validation=10).load(tmp_path)
    assert data.space == dataset().space(None) == Space((1, 28, 28), classes=10)
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 10, 5)
    assert data.train.x.dtype == torch.uint8 and data.train.x.shape == (20, 1, 28, 28)
    np.testing.assert_array_equal(torch.cat([data.train.x, data.validation.x])[:, 0].numpy(), x)
    assert data.validation.y is not None and data.validation.y.tolist() == y[20:].tolist()


def test_cifar_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = small_cifar(tmp_path, monkeypatch)
    pretend_published(CIFAR10, tmp_path, monkeypatch)
    data = CIFAR10(validation=2).load(tmp_path)
    assert data.space == CIFAR10().space(None) == Space((3, 32, 32), classes=10)
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 4)
    np.testing.assert_array_equal(data.train.x[:4].numpy(), first.reshape(4, 3, 32, 32))
    assert data.test.y is not None and data.test.y.tolist() == [3, 1, 4, 1]


def test_all_published_training_images_with_validation_taken_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_cifar(tmp_path, monkeypatch)
    pretend_published(CIFAR10, tmp_path, monkeypatch)
    rest, every = (CIFAR10(validation=2, train=train).load(tmp_path) for train in ("rest", "all"))
    assert (len(every.train), len(every.validation), len(every.test)) == (20, 2, 4)
    assert torch.equal(every.train.x, torch.cat([rest.train.x, rest.validation.x]))
    assert torch.equal(every.validation.x, rest.validation.x) and every.validation.y is not None
    assert every.train.y is not None and torch.equal(every.train.y[-2:], every.validation.y)
    assert CIFAR10(train="all").notation() == "cifar10[train=all]"


def test_absent_data_say_what_was_sought_where_and_what_to_do(tmp_path: Path) -> None:
    names = ", ".join(MNIST.files)
    todo = (
        "nothing is downloaded unless you ask for it. "
        "set GANBENCH_DATA to a folder that holds the files, or run `ganbench fetch mnist`"
    )
    assert refusal(MNIST(), tmp_path) == f"dataset mnist: found no {names} in {tmp_path}. {todo}"
    unset = f"dataset mnist: found no {names} anywhere, because GANBENCH_DATA is not set. {todo}"
    assert refusal(MNIST(), None) == unset
    assert "ganbench fetch cifar10" in refusal(CIFAR10(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_the_missing_file_is_named(tmp_path: Path) -> None:
    small_mnist(tmp_path / "MNIST")
    (tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    assert "found no MNIST/raw/t10k-labels-idx1-ubyte in" in refusal(MNIST(), tmp_path)


def test_a_changed_byte_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_mnist(tmp_path / "MNIST")
    pretend_published(MNIST, tmp_path, monkeypatch)
    path = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body[:-1])
    md5 = MNIST.files["MNIST/raw/train-images-idx3-ubyte"]
    assert refusal(MNIST(validation=10), tmp_path) == (
        f"{path}: the file is damaged or was changed. mnist is read from the published files only (MD5 {md5}). "
        "delete it and run `ganbench fetch mnist`, or read your own data with the dataset `arrays`"
    )


def test_space_needs_no_files() -> None:
    assert MNIST().space(None).shape == (1, 28, 28)


def test_fetch_asks_torchvision_and_checks_what_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, bool]] = []

    def downloaded(root: Path, *, download: bool) -> None:
        asked.append((root, download))
        small_mnist(root / "MNIST")

    monkeypatch.setattr(torchvision.datasets, "MNIST", downloaded)
    dataset = MNIST()
    assert isinstance(dataset, Downloadable)
    with pytest.raises(RequestError, match="damaged or was changed"):
        dataset.fetch(tmp_path)
    assert asked == [(tmp_path, True)]


def test_a_failed_download_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(root: Path, *, download: bool) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.datasets, "MNIST", offline)
    with pytest.raises(RequestError) as error:
        MNIST().fetch(tmp_path)
    assert str(error.value) == (
        f"fetch mnist: the download failed: no route to host. try again, or put the files into {tmp_path} yourself"
    )


@pytest.fixture
def real() -> Iterator[Path]:
    folder = os.environ.get("GANBENCH_DATA")
    if not folder:
        pytest.skip("GANBENCH_DATA is not set")
    yield Path(folder)


@pytest.mark.data
@pytest.mark.parametrize(
    ("dataset", "name", "md5", "first", "goodfellow"),
    [
        (MNIST(), "MNIST", "6bbc9ace898e44ae57da46a324031adb", [5, 0, 4], 3),
        (FashionMNIST(), "FashionMNIST", "f4a8712d7a061bf5bd6d2ca38dc4d50a", [9, 0, 0], 9),
    ],
    ids=["mnist", "fashion_mnist"],
)
def test_the_real_thing(
    dataset: MNIST | FashionMNIST, name: str, md5: str, first: list[int], goodfellow: int, real: Path
) -> None:
    data = dataset.load(real)
    assert (len(data.train), len(data.validation), len(data.test)) == (50_000, 10_000, 10_000)
    assert data.train.y is not None and data.validation.y is not None
    assert data.train.y[:3].tolist() == first
    assert data.validation.y[0].item() == goodfellow  # training image 50,000
    pixels = torch.cat([data.train.x, data.validation.x]).numpy().tobytes()
    header = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (60_000, 28, 28))
    assert hashlib.md5(header + pixels).hexdigest() == md5
    assert hashlib.md5((real / name / "raw/train-images-idx3-ubyte").read_bytes()).hexdigest() == md5
