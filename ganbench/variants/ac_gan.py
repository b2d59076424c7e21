"""AC-GAN: the discriminator names the class of a sample, and both players want it to be the right one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from ganbench.component import NonNegative, Search
from ganbench.variants.base import LOGITS, Batch, Better, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import hinge, logistic


@dataclass(frozen=True, kw_only=True)
class ACGAN(Variant):
    """L_D = E sp(-r) + E sp(f) + w (C(x) + C(G(z))), L_G = E sp(-f) + w C(G(z)), with sp(t) = log(1 + e^t).

    C is the cross-entropy of D's logits and the label: that of the real, or the one that G was given. The paper's G
    maximises L_C - L_S of eq. 2 and 3, which is minimax in the scores; here, as in implementations of it, G's loss is
    not saturating. `adversarial: hinge` has the hinge loss in the place of both. With `fakes: false` D classifies reals
    only, since its term on fakes rewards a G whose samples are easy to classify. `test_error` is the share of test
    samples whose likeliest class is not their own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Odena et al. 2017, arXiv:1610.09585, eq. 2 and 3"
    needs: ClassVar[frozenset[str]] = frozenset({"score_and_logits"})
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"test_error": "lower"})

    weight: Annotated[NonNegative, Search(0.1, 10.0, log=True)] = 1.0
    adversarial: Literal["logistic", "hinge"] = "logistic"
    fakes: bool = True  # whether D classifies fakes as well

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real = net.d.part("score_and_logits", batch.x)
        fake = net.d.part("score_and_logits", net.g(batch.z))
        terms = (hinge if self.adversarial == "hinge" else logistic)(real=real[:, 0], fake=fake[:, 0])
        classes = {"real_class": self._class(real, batch)}
        return terms | classes | ({"fake_class": self._class(fake, batch)} if self.fakes else {})

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.d.part("score_and_logits", net.g(batch.z))
        score = -fake[:, 0] if self.adversarial == "hinge" else softplus(-fake[:, 0])
        return {"fake": score.mean(), "class": self._class(fake, batch)}

    def decision_boundary(self) -> DecisionBoundary:
        return DecisionBoundary(flat=1.0) if self.adversarial == "hinge" else LOGITS

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        assert batch.y is not None  # because such a network is conditional
        return {"test_error": net.d.part("score_and_logits", batch.x)[:, 1:].argmax(1).ne(batch.y).double()}

    def _class(self, output: Tensor, batch: Batch) -> Tensor:
        """w C, of D's `score_and_logits`."""
        assert batch.y is not None
        return self.weight * cross_entropy(output[:, 1:], batch.y)
