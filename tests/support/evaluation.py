"""Small data for the evaluators: points and images made by hand, and a view whose features are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Modes, Space, Split
from ganbench.evaluators.base import Evaluator, FeatureName, Moments, Networks, Score
from ganbench.features.bank import Bank, Real, Samples, evaluate

Rows = Sequence[Sequence[float]] | Tensor


def points_data(test: Rows, validation: Rows | None = None, modes: Modes | None = None) -> Data:
    """Points in float64; the validation split is the test split unless given."""
    rows = torch.as_tensor(test, dtype=torch.float64)
    valid = rows if validation is None else torch.as_tensor(validation, dtype=torch.float64)
    return Data(Space((rows.shape[1],)), Split(rows), Split(valid), Split(rows), modes=modes)


def image_data(n: int = 64, classes: int = 4, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Data:
    """Noisy images whose class is the place of a bright column; the three splits are different draws."""

    def split(name: int) -> Split:
        generator = torch.Generator().manual_seed(1000 * seed + name)
        x = torch.randint(0, 100, (n, *shape), generator=generator, dtype=torch.uint8)
        y = torch.arange(n) % classes
        x[torch.arange(n), :, :, 2 * y] += 150
        return Split(x, y)

    return Data(Space(shape, classes), split(0), split(1), split(2))


def real_side(data: Data, cache: Path, **settings: object) -> Real:
    return Bank(cache=cache, **settings).reference(data)  # type: ignore[arg-type]


def scores_of(evaluator: Evaluator, fake: Samples, seed: int = 0) -> dict[str, Score]:
    """What one evaluator says of generated samples, by metric name."""
    return {name: score for _, name, score in evaluate(fake, fake.real, [evaluator], seed)}


@dataclass(frozen=True)
class Given:
    """A view whose features or logits are given; the real side as well, with itself in every split."""

    x: Tensor
    y: Tensor | None = None
    space: Space = field(default_factory=lambda: Space((3, 299, 299), 10))
    modes: Modes | None = None
    device: str = "cpu"
    networks: Networks | None = None

    def __len__(self) -> int:
        return len(self.x)

    def split(self, name: str) -> Given:
        return self

    def first(self, n: int) -> Given:
        return Given(self.x[:n])

    def features(self, name: FeatureName) -> Tensor:
        return self.x

    def logits(self, name: FeatureName) -> Tensor:
        return self.x

    def moments(self, name: FeatureName) -> Moments:
        return Moments(self.x.double().mean(0), torch.cov(self.x.double().T))

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        return compute()

    def extractor(self, name: FeatureName) -> dict[str, str]:
        return {"extractor": name}

    def latent_steps(self, count: int, epsilon: float) -> Iterator[tuple[Given, Given]]:
        """The first rows, and the same ones a little longer."""
        yield self.first(count), Given((1 + epsilon) * self.x[:count].double())
