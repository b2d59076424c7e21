"""The bank: features and statistics are computed once for all evaluators, and for real samples once for all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ganbench import rng
from ganbench.datasets.base import Data, Modes, Space, SplitName
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Moments, Networks, Reference, Score, View, is_file
from ganbench.evaluators.parts.gaussians import moments
from ganbench.evaluators.parts.protocol import INCEPTION, content_key
from ganbench.evaluators.parts.statistics import KnownMoments
from ganbench.features.cache import Cache, Tensors
from ganbench.features.classifier import classifier
from ganbench.features.efficientnet import efficientnet, efficientnet_weights
from ganbench.features.extractor import Embedding, Extractor, embed, pixels
from ganbench.features.inception import InceptionWeights, inception
from ganbench.features.lpips import lpips, lpips_weights
from ganbench.features.pretrained import PRETRAINED, pretrained, pretrained_weights
from ganbench.features.torchscript import torchscript, torchscript_file
from ganbench.guard.process_state import unchanged_by

ALLOWED_LOGITS = "classifier, inception, efficientnet_lite0, or a TorchScript file that returns features and logits"


LatentSteps = Callable[[int, float], Iterator[tuple[Tensor, Tensor]]]  # count, epsilon -> batches of pairs


def _silent(message: str) -> None:
    pass


@dataclass(frozen=True)
class Bank:
    """Where features are computed and kept, and from which weights."""

    cache: Path
    device: str = "cpu"
    inception_weights: InceptionWeights = field(default_factory=InceptionWeights)
    memory: int | None = None  # bytes that scores may take on this machine at most; None: all that are free
    device_memory: int | None = None  # the same on a GPU
    batch: int = 256  # samples in one pass of an extractor; doesn't affect results
    log: Callable[[str], None] = _silent
    extractors: Mapping[FeatureName, Extractor] = field(default_factory=dict)  # used instead of ganbench's own

    def check_ready(self, needs: Iterable[FeatureName]) -> None:
        """Raise `RequestError`, which says what to do, if a feature isn't available. Call it before anything runs."""
        for name in set(needs) - set(self.extractors):
            if name in INCEPTION:
                self.inception_weights.checked(self.cache, self.log)
            elif name in PRETRAINED:
                pretrained_weights(name)
            elif name == "efficientnet_lite0":
                efficientnet_weights()
            elif name == "lpips":
                lpips_weights()
            elif is_file(name):
                torchscript_file(name)

    def reference(self, data: Data, statistics: KnownMoments | None = None) -> Real:
        """The real samples of a dataset, which also make the views of generated samples.

        `statistics` stand for the test split where its samples aren't known.
        """
        return Real(self, data, statistics)


@dataclass(frozen=True, eq=False)
class Real:
    """The real samples (a `Reference`): splits with features kept on disk by content, and the extractors."""

    bank: Bank
    data: Data
    statistics: KnownMoments | None = None
    _splits: dict[SplitName, Samples] = field(default_factory=dict, init=False, repr=False)
    _extractors: dict[FeatureName, Extractor] = field(default_factory=dict, init=False, repr=False)

    @property
    def space(self) -> Space:
        return self.data.space

    @property
    def modes(self) -> Modes | None:
        return self.data.modes

    @cached_property
    def cache(self) -> Cache:
        return Cache(self.bank.cache, self.bank.log)

    def split(self, name: SplitName) -> View:
        """A view of one of the data's splits. Raises `RequestError` if it isn't finite."""
        if name == "test" and self.statistics is not None:
            return self.statistics
        if name not in self._splits:
            split = {"train": self.data.train, "validation": self.data.validation, "test": self.data.test}[name]
            _check_finite(split.x, f"the {name} split")
            self._splits[name] = Samples(split.x, split.y, self, kept=True)
        return self._splits[name]

    def view(
        self, x: Tensor, y: Tensor | None = None, steps: LatentSteps | None = None, networks: Networks | None = None
    ) -> Samples:
        """A view of generated samples. Raises `RequestError` if they aren't finite or not of the data's space.

        `steps`: how their generator makes pairs of samples from latents that are close to each other. `networks`: those
        that made the samples, if they are in training.
        """
        if tuple(x.shape[1:]) != self.space.shape or (x.dtype == torch.uint8) != self.space.is_image:
            shape = "x".join(map(str, ("n", *self.space.shape)))
            raise RequestError(
                "generated samples",
                f"{x.dtype} of shape {'x'.join(map(str, x.shape))}",
                f"{'uint8' if self.space.is_image else 'floats'} of shape {shape}, as the reference",
            )
        _check_finite(x, "generated samples")
        return Samples(x, y, self, kept=False, steps=steps, networks=networks)

    def extractor(self, name: FeatureName) -> Extractor:
        """The extractor of that name, loaded or trained on first use."""
        if name not in self._extractors:
            self._extractors[name] = self.bank.extractors.get(name) or self._own_extractor(name)
        return self._extractors[name]

    def about(self, name: FeatureName) -> dict[str, str]:
        """An extractor's part of the fingerprint; the classifier's includes its accuracy on the test split."""
        about = self.extractor(name).about
        if name != "classifier":
            return about
        test = self.split("test")
        if test.y is None:
            return about
        right = test.logits("classifier").argmax(1) == test.y
        return about | {"test accuracy": f"{right.double().mean().item():.4f}"}

    def _own_extractor(self, name: FeatureName) -> Extractor:
        if name == "pixels":
            return pixels(self.space.is_image)
        if name == "classifier":
            return classifier(self.space, self.data.train, self.cache, self.bank.device)
        if name in PRETRAINED:
            return pretrained(name, self.bank.device)
        if name == "efficientnet_lite0":
            return efficientnet(self.bank.device)
        if name == "lpips":
            return lpips(self.bank.device)
        if is_file(name):
            return torchscript(torchscript_file(name), self.bank.device)
        weights = self.bank.inception_weights.checked(self.bank.cache, self.bank.log)
        return inception(weights, self.bank.device, "clean" if name == "inception_clean" else "TensorFlow 1")


@dataclass(frozen=True, eq=False)
class Samples:
    """A set of samples (a `View`) whose features are computed once; those of real samples are `kept` on disk."""

    x: Tensor
    y: Tensor | None
    real: Real = field(repr=False)
    kept: bool
    steps: LatentSteps | None = field(default=None, repr=False)
    networks: Networks | None = field(default=None, repr=False)
    _firsts: dict[int, Samples] = field(default_factory=dict, init=False, repr=False)
    _embeddings: dict[FeatureName, Embedding] = field(default_factory=dict, init=False, repr=False)
    _derived: dict[tuple[str, FeatureName], Tensors] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def device(self) -> str:
        """The device for heavy computation."""
        return self.real.bank.device

    def first(self, n: int) -> View:
        """The first n samples, or all of them when the set has fewer."""
        if n >= len(self):
            return self
        if n not in self._firsts:
            y = None if self.y is None else self.y[:n]
            self._firsts[n] = Samples(self.x[:n], y, self.real, self.kept, self.steps, self.networks)
        return self._firsts[n]

    def features(self, name: FeatureName) -> Tensor:
        """Features (n, k), float32; points are unchanged."""
        return self._embedding(name).features

    def logits(self, name: FeatureName) -> Tensor:
        """Class logits (n, classes). Raises `RequestError` for features that have none."""
        logits = self._embedding(name).logits
        if logits is None:
            raise RequestError(f"features {name!r}", "they have no class logits", ALLOWED_LOGITS)
        return logits

    def moments(self, name: FeatureName) -> Moments:
        """Mean and covariance of the features, float64."""

        def compute() -> Tensors:
            return moments(self.features(name))._asdict()

        return Moments(**self.derived(name, "moments", compute))

    def derived(self, name: FeatureName, what: str, compute: Callable[[], Tensors]) -> Tensors:
        """The result of `compute`, which is called once; for real samples the result is kept on disk."""
        if (what, name) not in self._derived:
            self._derived[what, name] = self._from_disk(name, what, compute)
        return self._derived[what, name]

    def extractor(self, name: FeatureName) -> dict[str, str]:
        """The extractor's part of the fingerprint."""
        return self.real.about(name)

    def latent_steps(self, count: int, epsilon: float) -> Iterator[tuple[View, View]]:
        """Batches of new samples, and those of latents `epsilon` away. Raises `RequestError` without a generator."""
        if self.steps is None:
            todo = "score it in a suite's `with`, or score run:ID"
            raise RequestError("generated samples", "their generator isn't known", "samples of a run", todo)
        for pair in self.steps(count, epsilon):
            start, near = (Samples(x, None, self.real, kept=False) for x in pair)
            yield start, near

    def _embedding(self, name: FeatureName) -> Embedding:
        extractor = self.real.extractor(name)

        def compute() -> Tensors:
            parts = embed(extractor, self.x, self.real.bank.batch)._asdict()
            return {part: tensor for part, tensor in parts.items() if tensor is not None}

        if name not in self._embeddings:
            tensors = self._from_disk(name, "embedding", compute) if extractor.stored else compute()
            self._embeddings[name] = Embedding(**tensors)
        return self._embeddings[name]

    def _from_disk(self, name: FeatureName, what: str, compute: Callable[[], Tensors]) -> Tensors:
        """Real samples' tensors from the disk, keyed by samples, extractor, kind of device and torch version."""
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


def evaluate(
    fake: View, real: Reference, evaluators: Iterable[Evaluator], seed: int
) -> list[tuple[Evaluator, str, Score]]:
    """Each evaluator's scores as (evaluator, metric name, score), in order.

    An evaluator draws from its own stream (seed and notation), so adding one doesn't change another's numbers. Raises
    `RequestError` before any work if one of them can't score these samples.
    """
    chosen = list(evaluators)
    for evaluator in chosen:
        reason = evaluator.unsupported(real.space, len(fake), real.modes is not None)
        if reason:
            raise RequestError(evaluator.notation(), reason, todo="leave it out, or change what it asks for")
    return [(evaluator, name, score) for evaluator in chosen for name, score in _scores(evaluator, fake, real, seed)]


def _scores(evaluator: Evaluator, fake: View, real: Reference, seed: int) -> Iterable[tuple[str, Score]]:
    with unchanged_by(evaluator):
        return evaluator(fake, real, rng.stream(seed, evaluator.notation())).items()


def _check_finite(x: Tensor, where: str) -> None:
    bad = (~torch.isfinite(x).flatten(1).all(1)).nonzero().flatten()
    if len(bad):
        raise RequestError(where, f"row {int(bad[0])} is not finite ({len(bad)} such rows)", "finite numbers")
