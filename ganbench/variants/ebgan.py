"""Energy-based GAN: the discriminator is an auto-encoder whose reconstruction error is the energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganbench.component import NonNegative, Positive, Search
from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.energies import energy, pulling_away

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class EBGAN(Variant):
    """L_D = E e(x) + E relu(margin - e(G)), L_G = E e(G) + pt_weight f_PT with the energy e of the auto-encoder D.

    `energy`: `norm` is the paper's |Dec(Enc(x)) - x|; `mse`, its square divided by the number of coordinates, is what
    implementations use. The margin has the same unit: 10 in `norm` is 0.13 in `mse` for 28x28 pixels. f_PT is the
    pulling-away term, the mean squared cosine over pairs of codes of the fakes; EBGAN-PT has weight 0.1.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, section 2"
    needs: ClassVar[frozenset[str]] = frozenset({"code", "reconstruction"})
    scores_samples: ClassVar[bool] = False

    margin: Annotated[Positive, Search(0.1, 100.0, log=True)] = 10.0
    energy: Literal["norm", "mse"] = "norm"
    pt_weight: NonNegative = 0.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = energy(net.d, batch.x, self.energy), energy(net.d, net.g(batch.z), self.energy)
        return {"real": real.mean(), "fake": relu(self.margin - fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        terms = {"fake": energy(net.d, fake, self.energy).mean()}
        if self.pt_weight > 0:
            terms["pulling_away"] = self.pt_weight * pulling_away(net.d.part("code", fake))
        return terms

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        return -energy(net.d, batch.x, self.energy), -energy(net.d, net.g(batch.z), self.energy)

    def conflict(self, spec: RunSpec) -> str | None:
        too_small = self.pt_weight > 0 and spec.batch < 2
        return "the pulling-away term compares pairs of fakes: use a batch of at least 2" if too_small else None
