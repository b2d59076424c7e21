"""Feature matching: the generator matches the mean features that the discriminator computes of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ganbench.component import Fraction, Search
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import FeatureDistance, feature_distance, logistic_d


@dataclass(frozen=True, kw_only=True)
class FeatureMatching(Variant):
    """L_D = E sp(-r) + E sp(f) of `ns`; L_G is the distance of the batch means of D's features h on data and fakes.

    `distance`: `squared` is the paper's |E h(x) - E h(G(z))|^2, a sum over the features. The authors' code takes means
    over them: of squares for MNIST (`mean_squared`), of absolute values for CIFAR-10 and SVHN (`mean_absolute`).
    `real_target` below 1 is one-sided label smoothing. A generator update draws reals of its own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 3.1"
    needs: ClassVar[frozenset[str]] = frozenset({"features"})

    distance: FeatureDistance = "squared"
    real_target: Annotated[Fraction, Search(0.7, 1.0)] = 1.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_d(net, batch, self.real_target)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = net.d.part("features", batch.x), net.d.part("features", net.g(batch.z))
        return {"features": feature_distance(real, fake, self.distance)}

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS
