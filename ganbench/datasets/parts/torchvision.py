"""Reading and fetching the published files that torchvision's dataset classes know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError


@dataclass(frozen=True)
class Published:
    """A dataset of ours, its class in `torchvision.datasets`, and its files below the data folder."""

    kind: str
    name: str
    files: Mapping[str, str]  # with their MD5, or "" where none is published


def read(data: Published, root: Path | None, space: Space, validation: int) -> Data:
    """The published splits; `validation` is the last images of the training split, in the published order."""
    place = checked(data, root)
    train, test = (_split(source_of(data)(place, train=part, download=False)) for part in (True, False))
    return parted(space, train, test, validation)


def parted(space: Space, train: Split, test: Split, validation: int) -> Data:
    """The last `validation` training samples set aside, in the published order."""
    first, last = slice(None, -validation), slice(-validation, None)
    return Data(space=space, train=_part(train, first), validation=_part(train, last), test=test)


def fetch(data: Published, root: Path) -> None:
    """Download the files below `root` as torchvision's class does, and check them."""
    with downloading(data.kind, root):
        source_of(data)(root, download=True)
    checked(data, root)


def fetch_from(urls: Mapping[str, str], data: Published, root: Path) -> None:
    """Download each file from its address, which torchvision's class knows, extract nothing, and check them."""
    from torchvision.datasets.utils import download_url

    with downloading(data.kind, root):
        for name, url in urls.items():
            place = root / name
            download_url(url, place.parent, place.name, data.files[name] or None)
    checked(data, root)


@contextmanager
def downloading(kind: str, root: Path) -> Iterator[None]:
    """Turn what torchvision says about a failed download into a request error."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        todo = f"try again, or put the files into {root} yourself"
        raise RequestError(f"fetch {kind}", f"the download failed: {error}", "", todo) from error


def checked(data: Published, root: Path | None) -> Path:
    """The data folder, when every file is there with the published bytes. Raises `RequestError`."""
    absent = [name for name in data.files if root is None or not (root / name).is_file()]
    if root is None or absent:
        place = f"in {root}" if root else "anywhere, because GANBENCH_DATA is not set"
        raise RequestError(
            f"dataset {data.kind}",
            f"found no {', '.join(absent)} {place}",
            "nothing is downloaded unless you ask",
            f"set GANBENCH_DATA to a folder that holds the files, or run `ganbench fetch {data.kind}`",
        )
    for name, md5 in data.files.items():
        if md5 and digest(root / name, "md5") != md5:
            raise RequestError(
                str(root / name),
                "the file is damaged or was changed",
                f"{data.kind} is read from the published files only (MD5 {md5})",
                f"delete it and run `ganbench fetch {data.kind}`, or read data of your own with the dataset `arrays`",
            )
    return root


def source_of(data: Published) -> Any:
    """The class in torchvision."""
    from torchvision import datasets  # here, because importing it takes a second

    return getattr(datasets, data.name)


def _split(source: Any) -> Split:
    x = torch.as_tensor(source.data)
    x = x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2).contiguous()
    return Split(x, torch.as_tensor(source.targets, dtype=torch.int64))


def _part(split: Split, part: slice) -> Split:
    return Split(split.x[part], None if split.y is None else split.y[part])
