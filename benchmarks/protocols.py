"""Evaluation protocols as ganbench does them and as a plain program does, each in a process of its own.

    python benchmarks/protocols.py neighbours/ganbench --scale 0.1

prints {"wall", "cpu": seconds, "memory": MiB above what was held when it began, "numbers"}. `evaluators.py` compares
them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from distances import (
    clipped_ganbench,
    clipped_numpy,
    distances_ganbench,
    distances_numpy,
    fld_ganbench,
    fld_torch,
    fwd_ganbench,
    fwd_scipy,
)
from inputs import DIMS, Numbers, Sizes, Work, cloud, data_of, pixels, scores
from timing import timed
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID
from ganbench.evaluators.modes import ModeCoverage
from ganbench.evaluators.parzen import Parzen
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.evaluators.sliced_wasserstein import SlicedWasserstein
from ganbench.features.bank import Bank, Real, evaluate
from ganbench.features.extractor import Embedding, Extractor

TINY = 0.01  # a first, unmeasured round that imports everything
CLASSES = 1008  # of Inception's logits


# --- Parzen: 10,000 centres, 1,000 validation and 10,000 test images, ten widths ---


def parzen_sets(sizes: Sizes) -> tuple[Tensor, Tensor, Tensor]:
    return pixels(sizes.rows(10_000), 1), pixels(sizes.rows(1000), 2), pixels(sizes.rows(10_000), 3)


def parzen_ganbench(sizes: Sizes) -> Work:
    fake, validation, test = parzen_sets(sizes)
    real = Bank(sizes.folder).reference(data_of(test, validation))
    return lambda: scores([Parzen()], fake, real)


def parzen_sklearn(sizes: Sizes) -> Work:
    from sklearn.neighbors import KernelDensity

    fake, validation, test = (x.double().numpy() for x in parzen_sets(sizes))

    def window(sigma: float) -> KernelDensity:  # one leaf: with its default trees the result is wrong at 784-d
        return KernelDensity(bandwidth=sigma, leaf_size=len(fake)).fit(fake)

    def work() -> Numbers:
        sigmas = np.logspace(-1, 0, 10)
        best = sigmas[int(np.argmax([window(s).score_samples(validation).mean() for s in sigmas]))]
        found = window(best).score_samples(test)
        return {"parzen": float(found.mean()), "parzen_sigma": float(best)}

    return work


# --- precision, recall, density, coverage: 10,000 and 10,000 ---


def neighbour_sets(sizes: Sizes) -> tuple[Tensor, Tensor]:
    n, d = sizes.rows(10_000), sizes.dims(DIMS)
    return cloud(n, d, 1), cloud(n, d, 2)


def neighbours_ganbench(sizes: Sizes) -> Work:
    fake, test = neighbour_sets(sizes)
    real = Bank(sizes.folder).reference(data_of(test))
    return lambda: scores([PrecisionRecall(features="pixels"), DensityCoverage(features="pixels")], fake, real)


def neighbours_numpy(sizes: Sizes) -> Work:
    """The definitions written down: whole matrices of distances."""
    fake, real = (x.double().numpy() for x in neighbour_sets(sizes))

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
        return np.sqrt(np.maximum(squares, 0))

    def radii(a: np.ndarray, k: int) -> np.ndarray:
        return np.partition(distances(a, a), k, axis=1)[:, k]

    def work() -> Numbers:
        across = distances(fake, real)
        reals, fakes, wider = radii(real, 3), radii(fake, 3), radii(real, 5)
        return {
            "precision_pixels": float((across <= reals[None, :]).any(1).mean()),
            "recall_pixels": float((across <= fakes[:, None]).any(0).mean()),
            "density_pixels": float((across < wider[None, :]).sum(1).mean() / 5),
            "coverage_pixels": float((across < wider[None, :]).any(0).mean()),
        }

    return work


# --- FID's matrix term: two covariances of full rank at 2048-d ---


def moment_pair(sizes: Sizes) -> list[tuple[Tensor, Tensor]]:
    d = sizes.dims(DIMS)
    return [(x.double().mean(0), torch.cov(x.double().T)) for x in (cloud(2 * d, d, seed) for seed in (1, 2))]


def matrix_ganbench(sizes: Sizes) -> Work:
    from ganbench.evaluators.base import Moments
    from ganbench.evaluators.parts.gaussians import frechet

    one, two = (Moments(*pair) for pair in moment_pair(sizes))
    return lambda: {"frechet": frechet(one, two)}


def matrix_scipy(sizes: Sizes) -> Work:
    from scipy.linalg import sqrtm

    (m1, c1), (m2, c2) = ((mean.numpy(), cov.numpy()) for mean, cov in moment_pair(sizes))
    return lambda: {"frechet": float(((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real))}


# --- everything together on the same features: FID, KID, Inception score, precision and recall ---

ALL = [FID(), KID(), InceptionScore(), PrecisionRecall()]


def feature_sets(sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Features and logits side by side, (n, 2048 + 1008), which the given extractor cuts apart."""
    n, d = sizes.rows(10_000), sizes.dims(DIMS)
    fake, real = (torch.cat([cloud(n, d, seed), 3 * cloud(n, CLASSES, 10 + seed)], 1) for seed in (1, 2))
    return fake, real


def given(test: Tensor, sizes: Sizes) -> Real:
    d = sizes.dims(DIMS)
    extractor = Extractor({"extractor": "given"}, lambda x: Embedding(x[:, :d].clone(), x[:, d:].clone()))
    return Bank(sizes.folder, extractors={"inception": extractor}).reference(data_of(test))


def all_ganbench(sizes: Sizes) -> Work:
    fake, test = feature_sets(sizes)
    return lambda: scores(ALL, fake, given(test, sizes))


def all_cached(sizes: Sizes) -> Work:
    """As a second run has it: the real side lies in the cache."""
    fake, test = feature_sets(sizes)
    scores(ALL, fake, given(test, sizes))
    return lambda: scores(ALL, fake, given(test, sizes))


def all_fidelity(sizes: Sizes) -> Work:
    """What `calculate_metrics` does once it has the features."""
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    d = sizes.dims(DIMS)
    (fake, logits), (real, _) = ((x[:, :d].clone(), x[:, d:].clone()) for x in feature_sets(sizes))
    kid = {"kid_subsets": 100, "kid_subset_size": min(1000, len(fake)), "kid_kernel": "poly", "rng_seed": 0,
           "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}  # fmt: skip
    prc = {"prc_neighborhood": 3, "prc_batch_size": 10_000, "save_cpu_ram": False}

    def work() -> Numbers:
        sides = [metric_fid.fid_features_to_statistics(x) for x in (fake, real)]
        parts = (
            metric_fid.fid_statistics_to_metric(*sides, False),
            metric_kid.kid_features_to_metric(fake, real, verbose=False, **kid),
            metric_isc.isc_features_to_metric(logits, 10, False),
            metric_prc.prc_features_to_metric(fake, real, verbose=False, **prc),
        )
        found = {key: float(value) for part in parts for key, value in part.items()}
        names = {"fid": "frechet_inception_distance", "kid": "kernel_inception_distance_mean",
                 "is": "inception_score_mean", "precision": "precision", "recall": "recall"}  # fmt: skip
        return {short: found[name] for short, name in names.items()}

    return work


# --- bounded memory: a million points of the plane, 50,000 images of 28x28 ---


def many(evaluator: Evaluator, images: bool) -> Callable[[Sizes], Work]:
    def prepare(sizes: Sizes) -> Work:
        from ganbench.datasets.ring8 import Ring8

        if images:
            sets = [pixels(sizes.rows(n), seed) for seed, n in ((1, 50_000), (2, 1000), (3, 10_000))]
            fake, validation, test = ((x * 255).round().to(torch.uint8).reshape(-1, 1, 28, 28) for x in sets)
            data = Data(Space((1, 28, 28)), Split(test), Split(validation), Split(test))
        else:
            data = Ring8().load(None)
            assert data.fresh is not None
            fake = data.fresh(sizes.rows(1_000_000), torch.Generator().manual_seed(1)).x
        real = Bank(sizes.folder).reference(data)
        return lambda: {name: s.value for _, name, s in evaluate(real.view(fake), real, [evaluator], 0)}

    return prepare


MANY: dict[str, tuple[Evaluator, bool]] = {  # evaluator, whether of images
    "points: modes": (ModeCoverage(), False),
    "points: fid": (FID(features="pixels"), False),
    "points: kid": (KID(features="pixels"), False),
    "points: sliced_wasserstein": (SlicedWasserstein(), False),
    "points: density_coverage": (DensityCoverage(features="pixels"), False),
    "images: fid": (FID(features="pixels"), True),
    "images: kid": (KID(features="pixels"), True),
    "images: parzen": (Parzen(), True),
    "images: density_coverage": (DensityCoverage(features="pixels"), True),
    "images: precision_recall": (PrecisionRecall(features="pixels"), True),
}


# --- a process of its own ---


def measured(prepare: Callable[[Sizes], Work], sizes: Sizes) -> dict[str, object]:
    """Seconds, and the peak of resident memory above what was held when the work began (Linux)."""
    with TemporaryDirectory() as folder:
        prepare(Sizes(TINY, Path(folder)))()
    work = prepare(sizes)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = resident("VmRSS")
    numbers, spent = timed(work)
    memory = resident("VmHWM") - before
    return {"wall": spent.wall, "cpu": spent.cpu, "memory": memory, "numbers": numbers}


def resident(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


WORKS: dict[str, Callable[[Sizes], Work]] = {
    "parzen/ganbench": parzen_ganbench,
    "parzen/scikit-learn": parzen_sklearn,
    "neighbours/ganbench": neighbours_ganbench,
    "neighbours/NumPy": neighbours_numpy,
    "distances/ganbench": distances_ganbench,
    "distances/NumPy": distances_numpy,
    "FWD/ganbench": fwd_ganbench,
    "FWD/scipy": fwd_scipy,
    "FLD/ganbench": fld_ganbench,
    "FLD/torch": fld_torch,
    "clipped/ganbench": clipped_ganbench,
    "clipped/NumPy": clipped_numpy,
    "matrix/ganbench": matrix_ganbench,
    "matrix/scipy": matrix_scipy,
    "all/ganbench": all_ganbench,
    "all/ganbench, cached": all_cached,
    "all/torch-fidelity": all_fidelity,
}


def main() -> None:
    works = WORKS | {name: many(evaluator, images) for name, (evaluator, images) in MANY.items()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=works)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="ganbench-") as folder:
        print(json.dumps(measured(works[options.work], Sizes(options.scale, Path(folder)))))


if __name__ == "__main__":
    main()
