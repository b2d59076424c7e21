"""The kernel distance between two sets of features; with Inception's features it is the KID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators._classes import Per, check_parts, class_misfit, each_class, named
from ganbench.evaluators._protocol import feature_misfit, fingerprint, metric_name, real_view, size_misfit
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View


@dataclass(frozen=True, kw_only=True)
class KID(Evaluator):
    """`kid`, or `kd_pixels`, `kd_classifier`: the unbiased squared MMD with the kernel (x.y / d + 1)^3, in float64.

    The mean over `subsets` random subsets of `size` samples from each side (the authors took 50 subsets, later work
    100); `stderr` is the population standard deviation over the subsets, absent when each holds every sample. It may be
    negative. With fewer than `size` samples on a side the subsets shrink to that number, as the fingerprint says.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Binkowski et al. 2018, arXiv:1801.01401, section 4; through torch-fidelity"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"
    subsets: Count = 100
    size: Count = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return named(self.per, Metric(metric_name("kid", "kd", self.features), "lower"))

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        if min(samples, self.size) < 2:
            return "needs at least 2 samples, and subsets of at least 2"
        return (
            size_misfit(2, samples, self.reference)
            or feature_misfit(self.features, space)
            or class_misfit(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_parts(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return each_class(self, fake, real, rng)
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

        reals = self._reals(real)
        size = min(self.size, len(fake), len(reals))
        found = kid_features_to_metric(
            fake.features(self.features).double(),
            reals.features(self.features).double(),
            kid_subsets=self.subsets,
            kid_subset_size=size,
            kid_kernel="poly",
            kid_kernel_poly_degree=3,
            kid_kernel_poly_gamma=None,
            kid_kernel_poly_coef0=1,
            rng_seed=int(torch.randint(2**32 - 1, (), generator=rng)),
            verbose=False,
        )
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "subset size": size}
        marks = fingerprint(self, "torch-fidelity", **fake.extractor(self.features), **facts)
        value, whole = found[KEY_METRIC_KID_MEAN], size == len(fake) == len(reals)
        spread = None if whole else found[KEY_METRIC_KID_STD]
        return {self.metrics()[0].name: Score(value, spread, len(fake), len(reals), marks)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=2)
