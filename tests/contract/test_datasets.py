"""Every dataset: those that need no file, a user's own from small files, and the published ones where they lie."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from ganbench import testing
from ganbench.datasets.base import Data, Dataset, Downloadable, Space, Split
from ganbench.errors import RequestError
from ganbench.plugins import Registry

REGISTRY = Registry()
KINDS = REGISTRY.names("dataset")
PUBLISHED = [kind for kind in KINDS if issubclass(REGISTRY.find("dataset", kind), Downloadable)]
NEAR = [kind for kind in KINDS if kind not in PUBLISHED]


@pytest.mark.parametrize("kind", NEAR)
def test_data_at_hand(kind: str, required: dict[str, dict[str, Any]]) -> None:
    dataset: Any = REGISTRY.find("dataset", kind)(**required.get(kind, {}))
    testing.check_dataset(dataset)


@pytest.mark.parametrize("kind", ["ring8", "grid25"])
def test_every_option_of_a_mixture(kind: str) -> None:
    for dataset in testing.variations(REGISTRY.find("dataset", kind)()):
        testing.check_dataset(dataset)


@pytest.mark.data
@pytest.mark.skipif("GANBENCH_DATA" not in os.environ, reason="GANBENCH_DATA is not set")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_data(kind: str) -> None:
    dataset: Any = REGISTRY.find("dataset", kind)()
    try:
        dataset.load(Path(os.environ["GANBENCH_DATA"]))
    except RequestError as absent:
        pytest.skip(f"not in the data folder: {absent}")
    testing.check_dataset(dataset, Path(os.environ["GANBENCH_DATA"]))


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize("folder", [None, "empty"])
def test_absent_data_are_told_with_what_to_do(kind: str, folder: str | None, tmp_path: Path) -> None:
    dataset: Any = REGISTRY.find("dataset", kind)()
    with pytest.raises(RequestError) as told:
        dataset.load(tmp_path / folder if folder else None)
    assert told.value.where and told.value.given and told.value.todo
    assert "ganbench fetch" in str(told.value) or "GANBENCH_DATA" in str(told.value)


# --- the check can fail ---

POINTS = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
WHOLE = Data(Space((2,)), Split(POINTS[:10]), Split(POINTS[10:20]), Split(POINTS[20:]))
LABELLED = Data(
    Space((2,), 3),
    *(Split(part, torch.arange(10) % 3) for part in POINTS.split(10)),  # type: ignore[arg-type]
)


@dataclass(frozen=True, kw_only=True)
class Given(Dataset):
    """A dataset that is given."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    data: Data = WHOLE

    def space(self, root: Path | None) -> Space:
        return Space((2,), self.data.space.classes)

    def load(self, root: Path | None) -> Data:
        return self.data

    def notation(self, hide: tuple[str, ...] = ()) -> str:
        return "given"


FAULTS = {
    "loads Space": replace(WHOLE, space=Space((3,))),
    "shares samples with train": replace(WHOLE, test=WHOLE.train),
    "stored as torch.float64": replace(WHOLE, validation=Split(WHOLE.validation.x.double())),
    "not finite": replace(WHOLE, test=Split(WHOLE.test.x / 0)),
    r"has the shape \(0, 2\)": replace(WHOLE, validation=Split(POINTS[:0])),
    "labels without classes": replace(WHOLE, train=LABELLED.train),
    "labels are not int64": replace(LABELLED, train=Split(LABELLED.train.x, torch.zeros(10))),
    r"a label is not in 0\.\.2": replace(LABELLED, test=Split(LABELLED.test.x, torch.full((10,), 3))),
    "draws from torch's global generator": replace(WHOLE, fresh=lambda n, generator: Split(torch.rand(n, 2))),
    "draws the same samples": replace(WHOLE, fresh=lambda n, generator: Split(torch.full((n, 2), 0.5))),
}


@pytest.mark.parametrize("data", [WHOLE, LABELLED])
def test_a_sound_dataset_passes(data: Data) -> None:
    testing.check_dataset(Given(data=data))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_dataset_is_told(fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        testing.check_dataset(Given(data=FAULTS[fault]))
