"""No penalty: the default of the axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganbench.penalties.base import Penalty, Scored

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class NoPenalty(Penalty):
    """The variant's losses as they are. A run with it is the same run as one without a penalty."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {}
