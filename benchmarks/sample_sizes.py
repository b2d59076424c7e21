"""Bias and spread of metrics by the number of samples, on real images against real images and against noisy ones.

    GANBENCH_DATA=... python benchmarks/sample_sizes.py            the table of docs/reference/metrics/sample-sizes.md

MNIST's training images are cut at random into sets of n generated and n real ones, which share no image; the features
are those of the classifier. Each number is the mean over `REPEATS` such cuts, with the standard deviation.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

import torch
from inputs import Numbers, data_of, scores
from torch import Tensor

from ganbench.datasets.base import Split
from ganbench.datasets.mnist import MNIST
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID
from ganbench.evaluators.mind import MIND
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features.bank import Bank
from ganbench.features.extractor import Embedding, Extractor
from ganbench.rng import stream

SIZES = (250, 500, 1000, 2000)
REPEATS = 10
POOL = 8000  # images, of which each cut takes 2 n
TRAIN = 10_000  # other images, on which the classifier is trained
NOISE = 32  # standard deviation of the noise, of 255
EVALUATORS: list[Evaluator] = [
    FID(features="classifier"),
    KID(features="classifier"),
    InceptionScore(features="classifier"),
    MIND(features="classifier"),
    PrecisionRecall(features="classifier"),
    DensityCoverage(features="classifier"),
]


def pools(data: Path, cache: Path) -> tuple[Tensor, Tensor, int]:
    """Features and logits (POOL, d + 10) of real images and of the same ones with noise, and d."""
    mnist = MNIST().load(data)
    order = torch.randperm(len(mnist.train.x), generator=stream(0, "pool"))
    assert mnist.train.y is not None
    known = Split(mnist.train.x[order[POOL:][:TRAIN]], mnist.train.y[order[POOL:][:TRAIN]])
    real = Bank(cache).reference(replace(mnist, train=known))
    x = mnist.train.x[order[:POOL]]
    noisy = x + NOISE * torch.randn(x.shape, generator=stream(0, "noise"))
    views = [real.view(images) for images in (x, noisy.round().clamp(0, 255).to(torch.uint8))]
    whole = [torch.cat([view.features("classifier"), view.logits("classifier")], 1) for view in views]
    return whole[0], whole[1], views[0].features("classifier").shape[1]


def cuts(pool: Tensor, noisy: Tensor, d: int, n: int, cache: Path) -> Iterator[tuple[Numbers, Numbers]]:
    """The scores of n real images and of n noisy ones against n others, for each cut."""
    extractor = Extractor({"extractor": "given"}, lambda x: Embedding(x[:, :d].clone(), x[:, d:].clone()), stored=False)
    for repeat in range(REPEATS):
        fake, test = torch.split(torch.randperm(POOL, generator=stream(repeat, "cut"))[: 2 * n], n)
        with TemporaryDirectory(dir=cache) as own:
            real = Bank(Path(own), extractors={"classifier": extractor}).reference(data_of(pool[test]))
            yield scores(EVALUATORS, pool[fake], real), scores(EVALUATORS, noisy[fake], real)


def row(metric: str, samples: str, found: list[list[float]]) -> str:
    cells = (f"{fmean(values):.3g} ± {stdev(values):.2g}" for values in found)
    return f"| `{metric}` | {samples} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GANBENCH_DATA", "data")))
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        pool, noisy, d = pools(options.data, Path(folder))
        by_size = [list(cuts(pool, noisy, d, n, Path(folder))) for n in SIZES]
    print(f"{REPEATS} cuts of {POOL} images, {d} features\n")
    print(f"| metric | samples | {' | '.join(f'n = {n}' for n in SIZES)} |\n|---|---|{'---|' * len(SIZES)}")
    for metric in by_size[0][0][0]:
        for place, samples in enumerate(("real", "noisy")):
            print(row(metric, samples, [[pair[place][metric] for pair in pairs] for pairs in by_size]))


if __name__ == "__main__":
    main()
