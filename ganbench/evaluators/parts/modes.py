"""Counting the samples of each mode of a mixture, and the shift and the scale that put samples onto the modes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ganbench.datasets.base import Modes

Criterion = Literal["veegan", "pacgan", "ali"]

ROWS = 2**16  # samples in one block; doesn't affect results
FITTED = 2500  # samples that the fit uses
PASSES = 50
TRIMMED = 0.02  # the share of the samples that the spread leaves out at either end of a coordinate


@dataclass(frozen=True)
class CountingRule:
    """Which samples count for a mode, as `ModeCoverage` describes; `within` in standard deviations of a mode."""

    criterion: Criterion
    within: float

    def assigned(self, x: Tensor, truth: Modes) -> tuple[Tensor, Tensor, Tensor]:
        """For each sample of x (n, d): its mode, whether it counts for it, and whether it has high quality."""
        # from differences: matrix products would cancel for samples close to their mode
        away = torch.cdist(x, truth.centres.double(), compute_mode="donot_use_mm_for_euclid_dist") / truth.std
        nearest, mode = away.min(1)
        good = nearest < self.within if self.criterion == "pacgan" else nearest <= self.within
        if self.criterion == "ali":
            return (truth.weights.log() - away.square() / 2).argmax(1), torch.ones_like(good), good
        return mode, good, good


class Counts(NamedTuple):
    """The number of samples that count for each mode (k,), and the number of high-quality samples."""

    counts: Tensor
    good: int


def count_modes(x: Tensor, truth: Modes, rule: CountingRule, alignment: Alignment | None = None) -> Counts:
    """The samples x (n, d) of each mode, after an alignment is undone."""
    counts, good = torch.zeros(len(truth.centres), dtype=torch.float64), 0
    for block in torch.split(x, ROWS):
        placed = alignment.undone(block) if alignment else block.double()
        mode, counted, fine = rule.assigned(placed, truth)
        counts += mode[counted].bincount(minlength=len(counts))
        good += int(fine.sum())
    return Counts(counts, good)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where samples have the modes: a mode at c is at `scale` c + `shift`; shift (d,), float64."""

    shift: Tensor
    scale: float

    @property
    def is_finite(self) -> bool:
        """Whether the numbers are finite, which those of huge samples are not."""
        return bool(self.shift.isfinite().all()) and math.isfinite(self.scale)

    def undone(self, x: Tensor) -> Tensor:
        """Samples (n, d) with their modes moved onto those of the mixture, in float64."""
        return (x.double() - self.shift) / self.scale

    def displacement(self, truth: Modes) -> float:
        """The root mean square distance of the modes from their places, in standard deviations of a mode."""
        centres = truth.centres.double()
        moved = centres * (self.scale - 1) + self.shift
        return math.sqrt(moved.square().sum(1).mean().item()) / truth.std


def best_alignment(x: Tensor, truth: Modes, rule: CountingRule) -> tuple[Counts, Alignment | None]:
    """The alignment of samples (n, d) that makes most of them high-quality, and what is counted once it is undone.

    It is the first such one of: none, and the fits from four starts. A fit alternates two steps until no sample
    changes its mode, or for `PASSES` passes: each sample is assigned to the nearest mode, and the shift and the scale
    are those of least squares. The starts are no alignment, the shift of the samples' mean onto the nearest mode, that
    which gives samples and mixture equal mean and variance, and that which gives them equal middle and range, without
    `TRIMMED` of the samples at either end. The fit uses the first `FITTED` samples that are finite; without any the
    alignment is None.
    """
    identity = Alignment(torch.zeros(x.shape[1], dtype=torch.float64), 1.0)
    counted, finite = count_modes(x, truth, rule), x[x.isfinite().all(1)][:FITTED].double()
    if not len(finite):
        return counted, None
    best = (counted, identity)
    for start in (identity, _onto_a_mode(finite, truth), _by_moments(finite, truth), _by_range(finite, truth)):
        fit = _fit(finite, truth, start)
        if fit.is_finite and (counted := count_modes(x, truth, rule, fit)).good > best[0].good:
            best = (counted, fit)
    return best


def _fit(x: Tensor, truth: Modes, start: Alignment) -> Alignment:
    centres, now = truth.centres.double(), start
    before = torch.full((len(x),), -1)
    for _ in range(PASSES):
        mode = torch.cdist(x, centres * now.scale + now.shift).argmin(1)
        if torch.equal(mode, before):
            break
        before, own = mode, centres[mode]
        spread = own - own.mean(0)
        scale = _ratio((spread * (x - x.mean(0))).sum(), spread.square().sum())
        now = Alignment(x.mean(0) - scale * own.mean(0), scale)
    return now


def _onto_a_mode(x: Tensor, truth: Modes) -> Alignment:
    away = x.mean(0) - truth.centres.double()
    return Alignment(away[away.square().sum(1).argmin()], 1.0)


def _by_moments(x: Tensor, truth: Modes) -> Alignment:
    centres, weights = truth.centres.double(), truth.weights.double()[:, None]
    mean = (weights * centres).sum(0)
    variance = (weights * (centres - mean).square()).sum()
    scale = _ratio((x - x.mean(0)).square().sum(1).mean().sqrt(), variance.sqrt())
    return Alignment(x.mean(0) - scale * mean, scale)


def _by_range(x: Tensor, truth: Modes) -> Alignment:
    low, high = (torch.quantile(x, q, dim=0) for q in (TRIMMED, 1 - TRIMMED))
    least, most = (truth.centres.double().amin(0), truth.centres.double().amax(0))
    scale = _ratio((high - low).sum(), (most - least).sum())
    return Alignment((low + high) / 2 - scale * (least + most) / 2, scale)


def _ratio(measured: Tensor, true: Tensor) -> float:
    """A scale; 1 where the samples lie at one mode or point, which has none, or where it would not be positive."""
    return float(measured / true) if measured > 0 and true > 0 else 1.0
