"""The option of networks with batch norm in G for packed samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ganbench.component import ADDED
from ganbench.networks.base import Network


@dataclass(frozen=True, kw_only=True)
class PackedNetwork(Network):
    """A pair whose G can make each of the packed samples in a call of its own.

    Then batch norm in G normalises the first samples of all packs together, the second ones together, and so on, and
    each call moves the running statistics. Lin et al. 2018 (PacGAN), arXiv:1712.04086, the authors' code.
    """

    pac_calls: Literal["once", "each"] = field(default="once", metadata=ADDED)  # once: all samples of a batch together

    def g_calls(self) -> int:
        return self.pac if self.pac_calls == "each" else 1
