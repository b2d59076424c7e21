"""Datasets whose files are known by a hash of their content, which is part of the run id."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ganbench.datasets.base import Dataset
from ganbench.datasets.parts.files import located
from ganbench.errors import RequestError

COMPUTED: Mapping[str, Any] = {"identity": False, "option": False}  # of a field that `resolved` fills in


@dataclass(frozen=True, kw_only=True)
class UserFiles(Dataset):
    """A dataset in a user's own file or folder. Its content counts in the run id, its path does not."""

    path: str = field(metadata={"identity": False})
    content: str = field(default="", metadata=COMPUTED)  # SHA-256 of the content

    @abstractmethod
    def content_of(self, place: Path) -> str:
        """The SHA-256 of the content of the file or folder at `place`."""

    def resolved(self, root: Path | None) -> Self:
        return replace(self, content=self.content_of(located(self.path, root)))

    def identity(self) -> dict[str, str]:
        if not self.content and Path(self.path).expanduser().is_absolute():  # it needs no data folder
            return self.resolved(None).identity()
        return known_content(self, self.content)


def known_content(dataset: Dataset, content: str) -> dict[str, str]:
    """The identity of a dataset whose content was hashed. Raises `RequestError` where it was not."""
    if not content:
        given = "the content of its files is not known yet, so it has no identity"
        todo = "load it from a suite, or take `dataset.resolved(data_folder)`"
        raise RequestError(f"dataset {dataset.kind()}", given, "files are hashed when a suite is loaded", todo)
    return {"content": content}
