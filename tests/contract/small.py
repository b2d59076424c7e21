"""Networks with few weights, and variants to match."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ganbench.networks.base import Network
from ganbench.plugins import Registry

WIDTHS = {"width": 4, "g_width": 4, "d_width": 4, "g_widths": (8,), "d_widths": (8,)}
SMALL = WIDTHS | {"z": 4, "units": 8, "blocks": 1, "code": 4, "key": 2}  # by option, for the networks that have it
MATCHING = {"slots": 16, "key": 2, "top": 8}  # by option, for the variants that have it


def small(kind: str) -> Network:
    """The network of that kind with as few weights as its options allow."""
    network: Network = small_of("network", kind)
    return network


def small_of(family: str, kind: str) -> Any:
    """The component of that kind with its sizes as small as they may be, everything else as it is."""
    component: Any = Registry().find(family, kind)
    return component(**{f.name: SMALL[f.name] for f in fields(component) if f.name in SMALL})
