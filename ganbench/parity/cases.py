"""The reference cases as data: closed forms and published values, also used by the golden tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Rows = tuple[tuple[float, ...], ...]

HALF = math.log10(0.5)


@dataclass(frozen=True)
class Normal:
    """n draws of N(0, I) in d dimensions from a seed."""

    n: int
    d: int
    seed: int


@dataclass(frozen=True)
class Ring:
    """A mixture of `modes` equal Gaussians with standard deviation 0.01 on the unit circle.

    As samples: n exact draws from a seed. n = 0 gives one sample at each centre and a second one at the first.
    """

    modes: int = 8
    n: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Plain:
    """Images of 2x2 pixels, each of one grey level in 0..255."""

    levels: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An evaluator on known samples. `tolerance` is absolute: rounding of a published value, or 4 standard errors.

    `training` are the samples of the training split; None: the reference.
    """

    name: str
    evaluator: str
    options: Mapping[str, Any] = field(default_factory=dict)
    metric: str
    generated: Rows | Normal | Ring | Plain
    reference: Rows | Normal | Ring | Plain
    training: Rows | None = None
    expected: float
    tolerance: float
    source: str
    slow: bool = False


def _logarithms(*rows: tuple[float, ...]) -> Rows:
    return tuple(tuple(map(math.log, row)) for row in rows)


def _cross(a: float, b: float, shift: float = 0.0) -> Rows:
    """Four points with mean (shift, 0) and covariance diag(2 a^2 / 3, 2 b^2 / 3), n - 1 in the denominator."""
    return ((shift + a, 0.0), (shift - a, 0.0), (shift, b), (shift, -b))


PIXELS = {"features": "pixels"}
WINDOW = {"start": HALF, "stop": HALF, "num": 1}
ONE_SPLIT = {"features": "classifier", "splits": 1}
FAR, NEAR = _logarithms((0.9, 0.1), (0.1, 0.9)), _logarithms((0.9, 0.1), (0.5, 0.5))
LINE: dict[str, Any] = {
    "generated": ((0.5,), (0.6,), (1.5,)),
    "reference": tuple((x,) for x in (0.0, 1.0, 2.0, 10.0, 11.0, 12.0)),
}
BALL = 1 - math.exp(-4.5)  # probability of a normal distribution in the plane within 3 standard deviations
CLOUDS: dict[str, Any] = {"generated": Normal(2000, 64, 1), "reference": Normal(2000, 64, 2)}
COVERED = 1 - math.prod((2000 - i) / (4000 - i) for i in range(1, 6))  # k = 5, 2000 samples on each side
WIDE: dict[str, Any] = {
    "generated": Normal(10_000, 1000, 1),
    "reference": Normal(10_000, 1000, 2),
    "slow": True,
    "tolerance": 0.03,
}
PRDC = "Naeem et al. 2020, the authors' example: two clouds of 10,000 from N(0, I) in 1000 dimensions"
SIMPLEX: dict[str, Any] = {  # all halves of the training samples are alike, so that no draw matters
    "training": ((2.0, 0.0, 0.0, 0.0), (0.0, 2.0, 0.0, 0.0), (0.0, 0.0, 2.0, 0.0), (0.0, 0.0, 0.0, 2.0)),
    "reference": ((0.0, 1.0, 1.0, 1.0), (1.0, 0.0, 1.0, 1.0), (1.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0, 0.0)),
    "generated": ((1.0, 0.5, 0.0, 0.0), (0.0, 1.0, 1.0, 0.0)),
    "tolerance": 1e-6,
    "source": "Jiralerspong et al. 2023: the authors' program in float64",
}


def _layout(modes: int) -> float:
    """KL from uniform if one of the modes holds two of modes + 1 samples."""
    double, single = 2 / (modes + 1), 1 / (modes + 1)
    return double * math.log(double * modes) + (modes - 1) * single * math.log(single * modes)


CASES: tuple[Case, ...] = (
    Case(name="parzen: x = 1/2 between 0 and 1", evaluator="parzen", options=WINDOW, metric="parzen",
         generated=((0.0,), (1.0,)), reference=((0.5,),), expected=-0.725791, tolerance=5e-7,
         source="-1/2 - log(sqrt(2 pi) / 2)"),
    Case(name="parzen: three dimensions", evaluator="parzen", options=WINDOW, metric="parzen",
         generated=((0.0,) * 3, (1.0,) * 3), reference=((0.25,) * 3,), expected=-1.696934, tolerance=5e-7,
         source="logmeanexp by hand, sigma 1/2"),
    Case(name="inception score: far apart", evaluator="inception_score", options=ONE_SPLIT, metric="is_classifier",
         generated=FAR, reference=FAR, expected=1.444935, tolerance=5e-7, source="p = (.9, .1), (.1, .9)"),
    Case(name="inception score: one unsure", evaluator="inception_score", options=ONE_SPLIT, metric="is_classifier",
         generated=NEAR, reference=NEAR, expected=1.107106, tolerance=5e-7, source="p = (.9, .1), (.5, .5)"),
    Case(name="EBGAN score", evaluator="ebgan_score", metric="ebgan_score", generated=NEAR, reference=NEAR,
         expected=0.117973, tolerance=5e-7, source="p = (.9, .1), (.5, .5)"),
    Case(name="EBGAN score, squared", evaluator="ebgan_score", metric="ebgan_score_squared", generated=NEAR,
         reference=NEAR, expected=0.015191, tolerance=5e-7, source="p = (.9, .1), (.5, .5)"),
    Case(name="FID: N(0, I) and N((1, 0), diag(4, 9))", evaluator="fid", options=PIXELS, metric="fd_pixels",
         generated=_cross(math.sqrt(1.5), math.sqrt(1.5)), reference=_cross(math.sqrt(6), math.sqrt(13.5), 1.0),
         expected=6.0, tolerance=1e-9, source="1 + (2 - 1)^2 + (3 - 1)^2"),
    Case(name="FID: singular covariances", evaluator="fid", options=PIXELS, metric="fd_pixels",
         generated=((9.0, 9.0),) * 50 + ((2.0, 9.0),) * 50, reference=((2.0, 1.0),) * 50 + ((1.0, 1.0),) * 50,
         expected=89.0909, tolerance=5e-5, source="4^2 + 8^2 + (3.5 - 0.5)^2 * 100 / 99"),
    Case(name="FID: equal covariances", evaluator="fid", options=PIXELS, metric="fd_pixels",
         generated=_cross(1.0, 2.0), reference=_cross(1.0, 2.0, 3.0), expected=9.0, tolerance=1e-9,
         source="the squared distance of the means"),
    Case(name="KID: two pairs", evaluator="kid", options=PIXELS, metric="kd_pixels",
         generated=((0.0, 0.0), (1.0, 1.0)), reference=((1.0, 0.0), (0.0, 1.0)), expected=-2.375, tolerance=1e-12,
         source="(x.y / 2 + 1)^3: 1 + 1 - 2 (1 + 1 + 3.375 + 3.375) / 4"),
    Case(name="precision on a line", evaluator="precision_recall", options=PIXELS | {"k": 1},
         metric="precision_pixels", expected=1.0, tolerance=0.0, source="by hand, k = 1", **LINE),
    Case(name="recall on a line", evaluator="precision_recall", options=PIXELS | {"k": 1}, metric="recall_pixels",
         expected=2 / 6, tolerance=1e-15, source="by hand, k = 1", **LINE),
    Case(name="density of one law", evaluator="density_coverage", options=PIXELS, metric="density_pixels",
         expected=1.0, tolerance=0.1, source="Naeem et al. 2020, lemma 1", **CLOUDS),
    Case(name="coverage of one law", evaluator="density_coverage", options=PIXELS, metric="coverage_pixels",
         expected=COVERED, tolerance=0.02, source="Naeem et al. 2020, lemma 2", **CLOUDS),
    Case(name="high quality of a perfect ring", evaluator="modes", metric="hq", generated=Ring(n=100_000),
         reference=Ring(), expected=0.98889, tolerance=4 * math.sqrt(BALL * (1 - BALL) / 100_000),
         source="1 - exp(-9 / 2)"),
    Case(name="modes of a perfect ring", evaluator="modes", metric="modes", generated=Ring(n=100_000),
         reference=Ring(), expected=8.0, tolerance=0.0, source="all eight"),
    Case(name="reverse KL: eight modes, one double", evaluator="modes", metric="reverse_kl", generated=Ring(8),
         reference=Ring(8), expected=_layout(8), tolerance=1e-12, source="as LSGAN's code draws the ring"),
    Case(name="reverse KL: seven modes, one double", evaluator="modes", metric="reverse_kl", generated=Ring(7),
         reference=Ring(7), expected=_layout(7), tolerance=1e-12, source="as unrolled GAN's code draws the ring"),
    Case(name="Wasserstein: a shift", evaluator="wasserstein", metric="wasserstein_1", generated=_cross(1.0, 2.0),
         reference=_cross(1.0, 2.0, 0.5), expected=0.5, tolerance=1e-12, source="the length of the shift"),
    Case(name="MIND: a shift on a line", evaluator="mind", options=PIXELS, metric="mind_pixels",
         generated=((0.0,), (1.0,), (5.0,)), reference=((2.0,), (3.0,), (7.0,)), expected=12.0, tolerance=1e-9,
         source="3 d W_2^2, d = 1, W_2 = 2"),
    Case(name="sliced Wasserstein: a shift on a line", evaluator="sliced_wasserstein", metric="sliced_wasserstein_2",
         generated=((0.0,), (1.0,), (5.0,)), reference=((2.0,), (3.0,), (7.0,)), expected=2.0, tolerance=1e-12,
         source="the length of the shift"),
    Case(name="MMD: two pairs", evaluator="mmd", options={"bandwidths": (1.0,), "unit": "data"}, metric="mmd_squared",
         generated=((0.0,), (1.0,)), reference=((0.0,), (2.0,)), expected=(math.exp(-2) - 1) / 2, tolerance=1e-12,
         source="e^-1/2 + e^-2 - (1 + e^-2 + 2 e^-1/2) / 2"),
    Case(name="CMMD: two pairs", evaluator="cmmd", metric="cmmd", generated=((0.0,), (1.0,)),
         reference=((0.0,), (2.0,)), expected=500 * (1 - math.exp(-0.005)), tolerance=1e-9,
         source="1000 ((1 + a) / 2 + (1 + b) / 2 - (1 + b + 2 a) / 2), a = e^-0.005, b = e^-0.02"),
    Case(name="FWD: a shift of grey levels", evaluator="fwd", metric="fwd", generated=Plain((0, 51)),
         reference=Plain((102, 153)), expected=0.16, tolerance=1e-9,
         source="band of means 2 v / 255, from 0.2 to 1.0; three bands of zeros"),
    Case(name="LPIPS diversity: two images", evaluator="lpips_diversity", metric="lpips_diversity",
         generated=((0.0,), (2.0,)), reference=((0.0,), (2.0,)), expected=4.0, tolerance=1e-12,
         source="the squared distance of the embeddings"),
    Case(name="FLD on a simplex", evaluator="fld", options=PIXELS, metric="fld_pixels", expected=-48.1338782877,
         **SIMPLEX),
    Case(name="FLD's gap on a simplex", evaluator="fld", options=PIXELS, metric="fld_gap_pixels",
         expected=37.3207930113, **SIMPLEX),
    Case(name="clipped density of one law", evaluator="clipped_density_coverage", options=PIXELS,
         metric="clipped_density_pixels", expected=1.0, tolerance=0.05, source="Salvy et al. 2025: all are good",
         **CLOUDS),
    Case(name="clipped coverage of one law", evaluator="clipped_density_coverage", options=PIXELS,
         metric="clipped_coverage_pixels", expected=1.0, tolerance=0.05, source="Salvy et al. 2025: all are good",
         **CLOUDS),
    Case(name="precision in 1000 dimensions", evaluator="precision_recall", options=PIXELS | {"k": 5},
         metric="precision_pixels", expected=0.477, source=PRDC, **WIDE),
    Case(name="recall in 1000 dimensions", evaluator="precision_recall", options=PIXELS | {"k": 5},
         metric="recall_pixels", expected=0.4705, source=PRDC, **WIDE),
    Case(name="density in 1000 dimensions", evaluator="density_coverage", options=PIXELS, metric="density_pixels",
         expected=1.0555, source=PRDC, **{**WIDE, "tolerance": 0.15}),
    Case(name="coverage in 1000 dimensions", evaluator="density_coverage", options=PIXELS, metric="coverage_pixels",
         expected=0.9735, source=PRDC, **WIDE),
)  # fmt: skip

UNCHECKED = (  # protocols with published values that no case can reach without the networks' weights
    "fid, kid, is, precision, recall: the weights of Inception",
    "fid_clean, kid_clean: the weights of Inception",
    "fd_dinov2: DINOv2 ViT-L/14",
    "cmmd: CLIP ViT-L/14-336",
    "lpips_diversity, ppl: VGG16 and LPIPS",
)
