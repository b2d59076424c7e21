"""The value of a reference case on this installation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Modes, Space, Split
from ganbench.evaluators.base import Evaluator, FeatureName
from ganbench.features.bank import Bank
from ganbench.features.extractor import Embedding, Extractor
from ganbench.parity.cases import Case, Normal, Plain, Ring
from ganbench.plugins import Registry
from ganbench.rng import stream

GIVEN = Extractor({"extractor": "given"}, lambda x: Embedding(x, x), stored=False)
FEATURES: tuple[FeatureName, ...] = ("classifier", "clip_l14_336", "lpips")  # which the samples of a case stand for


@dataclass(frozen=True)
class CaseResult:
    """A case and the measured value."""

    case: Case
    got: float

    @property
    def difference(self) -> float:
        return self.got - self.case.expected

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= self.case.tolerance


def measure_case(case: Case, cache: Path) -> CaseResult:
    """Compute a case with the ordinary evaluator, in float64; NaN if it has no value."""
    evaluator = Registry.of().find("evaluator", case.evaluator)(**case.options)
    assert isinstance(evaluator, Evaluator)
    reference = _samples(case.reference)
    split = Split(reference)
    train = split if case.training is None else Split(_samples(case.training))
    modes = _modes(case.reference) if isinstance(case.reference, Ring) else None
    data = Data(Space(tuple(reference.shape[1:])), train, split, split, modes=modes)
    real = Bank(cache, extractors=dict.fromkeys(FEATURES, GIVEN)).reference(data)
    scores = evaluator(real.view(_samples(case.generated)), real, stream(0, "parity"))
    return CaseResult(case, scores[case.metric].value if case.metric in scores else math.nan)


def _samples(samples: object) -> Tensor:
    match samples:
        case Normal(n, d, seed):
            return torch.randn(n, d, generator=stream(seed, "normal"), dtype=torch.float64)
        case Ring(n=0) as ring:
            centres = _modes(ring).centres
            return torch.cat([centres, centres[:1]])
        case Ring(modes, n, seed) as ring:
            generator = stream(seed, "ring")
            mode = torch.randint(modes, (n,), generator=generator)
            noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
            return _modes(ring).centres[mode] + _modes(ring).std * noise
        case Plain(levels):
            return torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    return torch.tensor(samples, dtype=torch.float64)


def _modes(ring: Ring) -> Modes:
    angle = torch.arange(ring.modes, dtype=torch.float64) * 2 * math.pi / ring.modes
    weights = torch.full((ring.modes,), 1 / ring.modes, dtype=torch.float64)
    return Modes(torch.stack([angle.sin(), angle.cos()], 1), 0.01, weights)
