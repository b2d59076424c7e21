"""A discriminator that classifies K classes, and fakes as one more, and learns from few labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from ganbench.component import NonNegative
from ganbench.variants.base import LOGITS, Batch, Better, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import feature_distance

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class SemiSupervised(Variant):
    """L_D = E [lse(l) - l_y] + w/2 (E sp(-lse(l)) + E sp(lse(l))): on labelled reals, on reals, on fakes.

    D has logits l of K classes and 0 for the fakes, so its score is lse(l) = log sum exp l_k; sp(t) = log(1 + e^t) and
    w is `unlabelled_weight`. The labelled reals are drawn separately, from those that the dataset's `labels_per_class`
    keeps. `g_objective` is the distance of feature matching: `mean_squared` as in the authors' code for MNIST,
    `mean_absolute` as for CIFAR-10, or the paper's `squared`; or `minimax`, L_G = -E sp(lse(l)), which is used with
    minibatch discrimination. `test_error` is the share of test samples whose likeliest class is not their own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 5 (and the authors' code)"
    needs: ClassVar[frozenset[str]] = frozenset({"features", "logits"})
    scores_samples: ClassVar[bool] = False
    asks_labels: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"test_error": "lower"})

    unlabelled_weight: NonNegative = 1.0
    g_objective: Literal["mean_squared", "mean_absolute", "squared", "minimax"] = "mean_squared"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        assert batch.labelled is not None  # because of `asks_labels`
        x, y = batch.labelled
        real, fake, half = net.d(batch.x), net.d(net.g(batch.z)), self.unlabelled_weight / 2
        return {
            "class": cross_entropy(net.d.part("logits", x), y),
            "real": half * softplus(-real).mean(),
            "fake": half * softplus(fake).mean(),
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        if self.g_objective == "minimax":
            return {"fake": -softplus(net.d(fake)).mean()}
        features = net.d.part("features", batch.x), net.d.part("features", fake)
        return {"features": feature_distance(*features, self.g_objective)}

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        assert batch.y is not None  # a run needs labelled data
        return {"test_error": net.d.part("logits", batch.x).argmax(1).ne(batch.y).double()}

    def conflict(self, spec: RunSpec) -> str | None:
        return "packed samples have no single class: set pac to 1" if spec.network.pac > 1 else None
