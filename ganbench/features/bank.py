"""The bank: every feature and statistic is computed once for all evaluators, and on the real side for all processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench import rng
from ganbench.datasets.base import Data, Modes, Space, SplitName
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Moments, Reference, Score, View, is_file
from ganbench.features import inception as _inception
from ganbench.features import pretrained as _pretrained
from ganbench.features import torchscript as _torchscript
from ganbench.features.cache import Cache, content_key
from ganbench.features.classifier import classifier
from ganbench.features.extractor import Embedding, Extractor, embed, moments, pixels


def _silent(message: str) -> None:
    pass


@dataclass(frozen=True)
class Bank:
    """Where features come from and are kept. The weights `Path("download")` ask for a download."""

    cache: Path
    device: str = "cpu"
    inception_weights: Path | None = None
    batch: int = 256  # samples in one pass of an extractor; changes no number
    log: Callable[[str], None] = _silent

    def check_ready(self, needs: Iterable[FeatureName]) -> None:
        """Raises `RequestError`, saying what to do, when a feature can't be had here. Call it before anything runs."""
        for name in set(needs):
            if name == "inception":
                _inception.ready(self.inception_weights, self.cache, self.log)
            elif name in _pretrained.KNOWN:
                _pretrained.ready(name)
            elif is_file(name):
                _torchscript.ready(name)

    def reference(self, data: Data) -> Real:
        """The real side of a dataset, which also makes the views of generated samples."""
        return Real(self, data)


@dataclass(frozen=True, eq=False)
class Real:
    """The real side: the splits with their features kept on disk by content, and the extractors (a `Reference`)."""

    bank: Bank
    data: Data
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def space(self) -> Space:
        return self.data.space

    @property
    def modes(self) -> Modes | None:
        return self.data.modes

    @cached_property
    def cache(self) -> Cache:
        return Cache(self.bank.cache, self.bank.log)

    def split(self, name: SplitName) -> Samples:
        """A view of one of the data's splits. Raises `RequestError` when it isn't finite."""
        if name not in self.memo:
            part = {"train": self.data.train, "validation": self.data.validation, "test": self.data.test}[name]
            _check_finite(part.x, f"the {name} split")
            self.memo[name] = Samples(part.x, part.y, self, kept=True)
        view: Samples = self.memo[name]
        return view

    def view(self, x: Tensor, y: Tensor | None = None) -> Samples:
        """A view of generated samples. Raises `RequestError` when they aren't of the data's space or not finite."""
        if tuple(x.shape[1:]) != self.space.shape or (x.dtype == torch.uint8) != self.space.is_image:
            shape = "x".join(map(str, ("n", *self.space.shape)))
            raise RequestError(
                "generated samples",
                f"{x.dtype} of shape {'x'.join(map(str, x.shape))}",
                f"{'uint8' if self.space.is_image else 'floats'} of shape {shape}, as the reference",
            )
        _check_finite(x, "generated samples")
        return Samples(x, y, self, kept=False)

    def extractor(self, name: FeatureName) -> Extractor:
        """The extractor of that name, loaded or trained once."""
        key = f"extractor {name}"
        if key not in self.memo:
            self.memo[key] = self._extractor(name)
        found: Extractor = self.memo[key]
        return found

    def about(self, name: FeatureName) -> dict[str, str]:
        """An extractor's part of the fingerprint; the classifier's holds its accuracy on the test split."""
        about = self.extractor(name).about
        if name != "classifier":
            return about
        test = self.split("test")
        if test.y is None:
            return about
        right = test.logits("classifier").argmax(1) == test.y
        return about | {"test accuracy": f"{right.double().mean().item():.4f}"}

    def _extractor(self, name: FeatureName) -> Extractor:
        if name == "pixels":
            return pixels(self.space.is_image)
        if name == "classifier":
            return classifier(self.space, self.data.train, self.cache, self.bank.device)
        if name in _pretrained.KNOWN:
            return _pretrained.pretrained(name, self.bank.device)
        if is_file(name):
            return _torchscript.torchscript(_torchscript.ready(name), self.bank.device)
        weights = _inception.ready(self.bank.inception_weights, self.bank.cache, self.bank.log)
        return _inception.inception(weights, self.bank.device)


@dataclass(frozen=True, eq=False)
class Samples:
    """A set of samples whose features are computed once (a `View`); those of real samples are `kept` on disk."""

    x: Tensor
    y: Tensor | None
    real: Real = field(repr=False)
    kept: bool
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def device(self) -> str:
        """Where a score's heavy work is done."""
        return self.real.bank.device

    def first(self, n: int) -> View:
        """The first n samples; all of them when there are no more."""
        if n >= len(self):
            return self
        y = None if self.y is None else self.y[:n]
        view: Samples = self._once(f"first {n}", lambda: Samples(self.x[:n], y, self.real, self.kept))
        return view

    def features(self, name: FeatureName) -> Tensor:
        """Features (n, k), float32; points are as they are."""
        return self._embedding(name).features

    def logits(self, name: FeatureName) -> Tensor:
        """Class logits (n, classes). Raises `RequestError` for features that have none."""
        logits = self._embedding(name).logits
        if logits is None:
            raise RequestError(f"features {name!r}", "they have no class logits", "classifier or inception")
        return logits

    def moments(self, name: FeatureName) -> Moments:
        """Mean and covariance of the features, float64."""

        def compute() -> dict[str, Tensor]:
            return moments(self.features(name))._asdict()

        return Moments(**self.derived(name, "moments", compute))

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """What `compute` makes of the features, once; that of real samples is kept on disk."""
        found: dict[str, Tensor] = self._once(f"{what} {name}", lambda: self._kept(name, what, compute))
        return found

    def extractor(self, name: FeatureName) -> dict[str, str]:
        """The extractor's part of the fingerprint."""
        return self.real.about(name)

    def _embedding(self, name: FeatureName) -> Embedding:
        extractor = self.real.extractor(name)

        def compute() -> dict[str, Tensor]:
            parts = embed(extractor, self.x, self.real.bank.batch)._asdict()
            return {part: tensor for part, tensor in parts.items() if tensor is not None}

        def once() -> Embedding:
            return Embedding(**(self._kept(name, "embedding", compute) if extractor.stored else compute()))

        found: Embedding = self._once(f"embedding {name}", once)
        return found

    def _kept(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """From the disk where these are real samples, by pixels, extractor, kind of device and torch version."""
        if not self.kept:
            return compute()
        extractor = self.real.extractor(name)
        about = (f"{key}={value}" for key, value in sorted(extractor.about.items()))
        device = torch.device(extractor.device).type
        key = content_key(what, *about, device, torch.__version__, self._content)
        return self.real.cache.get(f"{what}-{Path(name).name}", key, compute)

    @cached_property
    def _content(self) -> str:
        return content_key(self.x)

    def _once(self, key: str, compute: Callable[[], Any]) -> Any:
        if key not in self.memo:
            self.memo[key] = compute()
        return self.memo[key]


def evaluate(
    fake: View, real: Reference, evaluators: Iterable[Evaluator], seed: int
) -> list[tuple[Evaluator, str, Score]]:
    """Each evaluator's scores as (evaluator, metric name, score), in order.

    An evaluator draws from a stream of its own (seed and notation), so one more of them changes no other's numbers.
    Raises `RequestError` before any work when one of them can't score these samples.
    """
    chosen = list(evaluators)
    for evaluator in chosen:
        reason = evaluator.unsupported(real.space, len(fake), real.modes is not None)
        if reason:
            raise RequestError(evaluator.notation(), reason, todo="leave it out, or choose what it asks for")
    return [
        (evaluator, name, score)
        for evaluator in chosen
        for name, score in evaluator(fake, real, rng.stream(seed, evaluator.notation())).items()
    ]


def _check_finite(x: Tensor, where: str) -> None:
    bad = (~torch.isfinite(x).flatten(1).all(1)).nonzero().flatten()
    if len(bad):
        raise RequestError(where, f"row {int(bad[0])} is not finite ({len(bad)} such rows)", "finite numbers")
