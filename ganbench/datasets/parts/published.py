"""Datasets that are read from the files that their authors published, most of them by torchvision's classes."""

from __future__ import annotations

import gzip
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import ADDED, Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Labelled, Space, Split
from ganbench.datasets.parts.files import digest
from ganbench.datasets.parts.splits import with_few_labels
from ganbench.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class PublishedFiles(Dataset, Downloadable):
    """A dataset in published files, which are checked before they are read.

    `torchvision_name`: the class in `torchvision.datasets`. `files`: the paths below the data folder with their MD5, or
    "" where no checksum is published.
    """

    torchvision_name: ClassVar[str]
    files: ClassVar[Mapping[str, str]]

    def needed_files(self) -> Mapping[str, str]:
        """The files that `load` reads, in the form of `files`; by default all of them."""
        return self.files

    def checked(self, root: Path | None) -> Path:
        """The data folder, if it holds the needed files as they were published. Raises `RequestError` otherwise."""
        return _checked(self.kind(), self.needed_files(), root)

    def check(self, root: Path | None) -> None:
        self.checked(root)

    def fetch(self, root: Path) -> None:
        try:
            self.download(root)
        except (OSError, RuntimeError) as error:
            todo = f"try again, or put the files into {root} yourself"
            raise RequestError(f"fetch {self.kind()}", f"the download failed: {error}", "", todo) from error
        _checked(self.kind(), {**self.files, **self.needed_files()}, root)

    def download(self, root: Path) -> None:
        """Download the files below `root`; by default torchvision's class does it."""
        self.torchvision()(root, download=True)

    def download_from(self, urls: Mapping[str, str], root: Path) -> None:
        """Download each file from its address and extract nothing."""
        from torchvision.datasets.utils import download_url

        for name, url in urls.items():
            place = root / name
            download_url(url, place.parent, place.name, self.files[name] or None)

    def torchvision(self) -> Any:
        """The dataset's class in torchvision."""
        from torchvision import datasets  # here, because importing it takes a second

        return getattr(datasets, self.torchvision_name)


@dataclass(frozen=True, kw_only=True)
class PublishedSplits(Labelled, PublishedFiles):
    """Labelled images in a published training split and a published test split.

    The last `validation` images of the training split, in the published order, are the validation split. Training draws
    from the rest or, with `train: all` as in most papers, from the whole training split. Each dataset declares
    `validation` anew, with a bound of its own.
    """

    validation: Count = 10_000
    train: Literal["rest", "all"] = field(default="rest", metadata=ADDED)

    @abstractmethod
    def space(self, root: Path | None) -> Space: ...

    def load(self, root: Path | None) -> Data:
        place = self.checked(root)
        published, test = (self.read_split(place, train) for train in (True, False))
        validation = _part(published, slice(-self.validation, None))
        train = published if self.train == "all" else _part(published, slice(-self.validation))
        return with_few_labels(Data(self.space(root), train, validation, test), self)

    def read_split(self, place: Path, train: bool) -> Split:
        """The published training or test split in the data folder `place`."""
        source = self.torchvision()(place, train=train, download=False)
        x = torch.as_tensor(source.data)
        x = x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2).contiguous()
        return Split(x, torch.as_tensor(source.targets, dtype=torch.int64))


def read_idx_pair(images: bytes, labels: bytes) -> Split:
    """The images (n, 1, h, w) and labels in two gzipped files of LeCun's idx format."""
    return Split(_read_idx(images)[:, None], _read_idx(labels).long())


def _read_idx(packed: bytes) -> Tensor:
    """The values in a gzipped idx file: two zero bytes, the type, the rank, the sizes (4 bytes each), the values."""
    body = bytearray(gzip.decompress(packed))
    start = 4 + 4 * body[3]
    sizes = [int.from_bytes(body[at : at + 4], "big") for at in range(4, start, 4)]
    return torch.frombuffer(body, dtype=torch.uint8, offset=start).view(sizes)


def _checked(kind: str, files: Mapping[str, str], root: Path | None) -> Path:
    absent = [name for name in files if root is None or not (root / name).is_file()]
    if root is None or absent:
        place = f"in {root}" if root else "anywhere, because GANBENCH_DATA is not set"
        raise RequestError(
            f"dataset {kind}",
            f"found no {', '.join(absent)} {place}",
            "nothing is downloaded unless you ask for it",
            f"set GANBENCH_DATA to a folder that holds the files, or run `ganbench fetch {kind}`",
        )
    for name, md5 in files.items():
        if md5 and digest(root / name, "md5") != md5:
            raise RequestError(
                str(root / name),
                "the file is damaged or was changed",
                f"{kind} is read from the published files only (MD5 {md5})",
                f"delete it and run `ganbench fetch {kind}`, or read your own data with the dataset `arrays`",
            )
    return root


def _part(split: Split, part: slice) -> Split:
    return Split(split.x[part], None if split.y is None else split.y[part])
