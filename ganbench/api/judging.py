"""Scores of anyone's samples: `evaluate` once, or a `Judge` in a training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np
import pandas as pd
from torch import Tensor

from ganbench.api.execution import inception_weights
from ganbench.api.runs import source_of
from ganbench.datasets.base import Dataset
from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError
from ganbench.evaluators.base import KNOWN, Evaluator
from ganbench.features.bank import Bank, Real
from ganbench.plugins import Registry, hint
from ganbench.report.render.frames import frame_table
from ganbench.samples import available_features, choose_evaluators, score_samples, supported_evaluators
from ganbench.samples.given import Array, Generator, Latents, generated, in_memory
from ganbench.samples.sources import (
    ReferenceSamples,
    SourcedSamples,
    compared,
    given_reference,
    read_generated,
    read_reference,
)

if TYPE_CHECKING:
    from ganbench.samples.choice import Unavailable
    from ganbench.samples.scoring import ScoreSheet

Given = Tensor | Array | str | Path


@dataclass(frozen=True, eq=False)
class Scores(Mapping[str, float]):
    """Scores by metric: `scores["fid"]`. `absent`: the metrics that have none, each with the reason."""

    sheet: ScoreSheet = field(repr=False)
    wanted: frozenset[str] | None = None  # None: every metric
    absent: tuple[Unavailable, ...] = ()

    @cached_property
    def _values(self) -> dict[str, float]:
        table = self.table()
        return dict(zip(table["metric"].tolist(), table["value"].tolist(), strict=True))

    def table(self) -> pd.DataFrame:
        """One row for each metric: `metric`, `value`, `stderr` (NaN without one), `n` generated and `n_reference` real
        samples, `evaluator` with its options, and `better` (lower, higher or neither).
        """
        lines = [line for line in self.sheet.lines if self.wanted is None or line.metric.name in self.wanted]
        rows = [
            (line.metric.name, line.score.value, line.score.stderr, line.score.n, line.score.n_reference,
             line.evaluator, line.metric.better)
            for line in lines
        ]  # fmt: skip
        columns = ["metric", "value", "stderr", "n", "n_reference", "evaluator", "better"]
        return pd.DataFrame(rows, columns=columns).astype({"value": "float64", "stderr": "float64"})

    def __getitem__(self, metric: str) -> float:
        return self._values[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _repr_markdown_(self) -> str:
        reasons = "".join(f"\n- {item.name}: {item.because}" for item in self.absent)
        return frame_table(self.table()) + (f"\n\nabsent:\n{reasons}" if reasons else "")


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores samples against a reference, whose side is computed once and kept on disk by its content.

    `reference`: a tensor, an array, the path of a file, folder or archive, `dataset:NAME[:SPLIT]`, `run:ID[:N]`, or a
    `Dataset`, of which the test split is compared.
    `metrics`: names such as `fid` and `recall`, or evaluators; None is every metric that needs no download.
    `value_range`: of floating-point images, such as (-1, 1); uint8 images need none.
    `latents`: what a generator is fed, for samples given as a callable. `seed`: of the evaluators' own draws.
    `results`: the results folder whose `cache` keeps what is computed of real samples.
    """

    reference: Given | Dataset
    metrics: Sequence[str | Evaluator] | None = None
    value_range: tuple[float, float] | None = None
    latents: Latents | None = None
    seed: int = 0
    results: Path | str = "results"
    _real: dict[str, Real] = field(default_factory=dict, init=False, repr=False)  # by device

    def __call__(self, samples: Given | Generator) -> Scores:
        """The scores of uint8 or floating-point samples, of those in a file, or of those that a generator makes.

        Tensors are images (n, c, h, w) or points (n, d); arrays are images (n, h, w) or (n, h, w, c), or points.
        Features are computed on the device of a tensor or a module. Raises `RequestError` for samples that can't be
        scored, and for a named metric that does not exist or can't score them.
        """
        if callable(samples) and not isinstance(samples, Tensor):
            samples = self._generated(samples)
        device = str(samples.device) if isinstance(samples, Tensor) else "cpu"
        pair = compared(self._reference, self._sourced(samples, "generated samples"))
        real = self._real_on(device)
        chosen, absent = self._chosen(real.bank)
        evaluators, unfit = supported_evaluators(pair, chosen)
        if unfit and self.metrics is not None:
            raise RequestError(unfit[0].name, unfit[0].because, todo="leave this metric out")
        sheet = score_samples(pair, evaluators, real, self.seed, lambda _: None)
        return Scores(sheet, self._names, (*absent, *unfit, *sheet.absent))

    @cached_property
    def _reference(self) -> ReferenceSamples:
        if isinstance(self.reference, (Tensor, np.ndarray)):
            return given_reference(in_memory(self.reference, "reference", self.value_range))
        if isinstance(self.reference, Dataset):
            return read_reference(self.reference, data_root())
        return read_reference(source_of(str(self.reference), Path(self.results)), data_root())

    @property
    def _names(self) -> frozenset[str] | None:
        """The metrics to show: those that are named, and all of each evaluator that is given."""
        if self.metrics is None:
            return None
        given = [item for item in self.metrics if isinstance(item, Evaluator)]
        own = {metric.name for evaluator in given for metric in evaluator.metrics()}
        return frozenset({item for item in self.metrics if isinstance(item, str)} | own)

    def _generated(self, generator: Generator) -> Tensor:
        if self.latents is None:
            todo = "latents=Latents(z=128, n=10_000)"
            raise RequestError("samples", "a callable, and it is not known what to feed it", "a Latents", todo)
        return generated(generator, self.latents)

    def _sourced(self, samples: object, where: str) -> SourcedSamples:
        if isinstance(samples, (Tensor, np.ndarray)):
            return in_memory(samples, where, self.value_range)
        if isinstance(samples, (str, Path)):
            return read_generated(source_of(str(samples), Path(self.results)), data_root())
        allowed = "a tensor, an array, a path, or a callable that maps latents to samples"
        raise RequestError(where, f"a {type(samples).__name__}", allowed)

    def _real_on(self, device: str) -> Real:
        if device not in self._real:
            bank = Bank(Path(self.results).resolve() / "cache", device, inception_weights())
            self._real[device] = bank.reference(self._reference.real)
        return self._real[device]

    def _chosen(self, bank: Bank) -> tuple[tuple[Evaluator, ...], tuple[Unavailable, ...]]:
        """The evaluators, and the features that are not available. Raises `RequestError` for those that are named."""
        registry = Registry.of()
        if self.metrics is None:
            features, lacking = available_features(self._reference.real.space, bank, None)
            return choose_evaluators(None, features, registry), lacking
        every = choose_evaluators(None, KNOWN, registry)
        chosen = [item if isinstance(item, Evaluator) else _evaluator_of(item, every) for item in self.metrics]
        bank.check_ready(name for evaluator in chosen for name in evaluator.needs())
        return tuple({evaluator.notation(): evaluator for evaluator in chosen}.values()), ()


class JudgeKeywords(TypedDict, total=False):
    """The keywords of `evaluate`: the further fields of `Judge`."""

    value_range: tuple[float, float] | None
    latents: Latents | None
    seed: int
    results: Path | str


def evaluate(
    samples: Given | Generator,
    reference: Given | Dataset,
    metrics: Sequence[str | Evaluator] | None = None,
    **options: Unpack[JudgeKeywords],
) -> Scores:
    """The scores of samples against a reference: a `Judge` that is asked once."""
    return Judge(reference, metrics, **options)(samples)


def _evaluator_of(metric: str, evaluators: Sequence[Evaluator]) -> Evaluator:
    """The first evaluator with a metric of this name."""
    for evaluator in evaluators:
        if metric in (known.name for known in evaluator.metrics()):
            return evaluator
    known = dict.fromkeys(known.name for evaluator in evaluators for known in evaluator.metrics())
    todo = "give a metric of your own as its evaluator: metrics=[MyMetric()]"
    raise RequestError("metrics", f"there is no metric {metric!r}", hint(metric, known), todo)
