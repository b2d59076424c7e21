from collections.abc import Mapping
from dataclasses import dataclass

from ganbench.component import NonNegative
from ganbench.penalties.base import Penalty, Scored
from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class ScoreDrift(Penalty):
    """D's loss + `weight` E D(x)^2: scores of reals stay near 0."""

    version = 1
    source = "Karras et al. 2018, arXiv:1710.10196, appendix A.1"

    weight: NonNegative = 0.001

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {"drift": self.weight * net.d(batch.x).square().mean()}
