"""Networks with few weights."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ganbench.networks.base import Network
from ganbench.plugins import Registry

WIDTHS = {"width": 4, "g_width": 4, "d_width": 4, "g_widths": (8,), "d_widths": (8,)}
SMALL = WIDTHS | {"z": 4, "units": 8, "blocks": 1, "code": 4}  # by option, for the networks that have it


def small(kind: str) -> Network:
    """The network of that kind with as few weights as its options allow."""
    network: Any = Registry().find("network", kind)
    return network(**{f.name: SMALL[f.name] for f in fields(network) if f.name in SMALL})
