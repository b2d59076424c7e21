"""InfoGAN: the generator is given codes, and a network over the discriminator's features recovers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Count, Index, Positive, Search
from ganbench.variants.base import LOGITS, Batch, Better, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts import codes as latent_codes
from ganbench.variants.parts.scores import logistic_d, logistic_g

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class InfoGAN(Variant):
    """L_D = E sp(-r) + E sp(f) - lambda I, L_G = E sp(-f) - lambda I, with a bound I on the codes' information.

    `categories` holds the number of values of each categorical code: as many of the first numbers of a latent are
    replaced by the one-hot of the largest. The next `continuous` numbers are codes as drawn, and the rest is noise.
    Q, the network `q` over D's features, predicts logits and means; its further outputs are unused. The bound is
    I = E log Q(c | x) - log P(c) on fakes x made from c (eq. 5): the terms `categorical` and `continuous` are
    -lambda I, where lambda is `weight`. As in the authors' code, continuous codes have the density
    N(predicted, `std`), and N(0, 1) in place of P. Q moves with D and with G, at D's learning rate (in the code with D
    alone). The measures are the share of categorical codes that Q predicts correctly, and the correlation of continuous
    codes with its predictions. The paper's MNIST latents are 74 uniform numbers; G has a higher learning rate (1e-3)
    than D (2e-4).
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Chen et al. 2016, arXiv:1606.03657, eq. 5 and 6, and the authors' code (openai/InfoGAN)"
    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    others: ClassVar[tuple[str, ...]] = ("q",)
    d_moves: ClassVar[tuple[str, ...]] = ("d", "q")
    g_moves: ClassVar[tuple[str, ...]] = ("g", "q")
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"q_accuracy": "higher", "q_correlation": "higher"})

    categories: tuple[Count, ...] = (10,)
    continuous: Index = 2
    weight: Annotated[Positive, Search(0.1, 10.0, log=True)] = 1.0
    std: Positive = 1.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_d(net, batch) | self._information(net, batch)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_g(net, batch) | self._information(net, batch)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def g_input(self, z: Tensor, carry: Mapping[str, Tensor]) -> Tensor:
        return latent_codes.chosen(z, self.categories)

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        codes, predicted = self._codes(net, batch)
        accuracy = {"q_accuracy": latent_codes.accuracy(codes, predicted)} if self.categories else {}
        return accuracy | ({"q_correlation": latent_codes.correlation(codes, predicted)} if self.continuous else {})

    def conflict(self, spec: RunSpec) -> str | None:
        count = sum(self.categories) + self.continuous
        if count == 0:
            return "it has no code: set categories or continuous"
        if spec.network.z < count:
            return f"its codes need {count} numbers of a latent: set the network's z to at least {count}"
        return "its codes belong to one sample each: set pac to 1" if spec.network.pac > 1 else None

    def _codes(self, net: Players, batch: Batch) -> tuple[latent_codes.Codes, latent_codes.Codes]:
        """The codes of the fakes, and Q's predictions of them."""
        fed = self.g_input(batch.z, batch.carry)
        predicted = net["q"](net.d.part("features", net.g(batch.z)))
        return self._split(fed), self._split(predicted)

    def _split(self, latent: Tensor) -> latent_codes.Codes:
        return latent_codes.split(latent, self.categories, self.continuous)

    def _information(self, net: Players, batch: Batch) -> LossTerms:
        codes, predicted = self._codes(net, batch)
        terms: LossTerms = {}
        if self.categories:
            terms["categorical"] = -self.weight * latent_codes.categorical_information(codes, predicted).mean()
        if self.continuous:
            terms["continuous"] = -self.weight * latent_codes.continuous_information(codes, predicted, self.std).mean()
        return terms
