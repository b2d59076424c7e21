"""Networks with few weights, and variants to match."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ganbench.networks.base import Network
from ganbench.plugins import Registry
from ganbench.variants.base import Variant

WIDTHS = {"width": 4, "g_width": 4, "d_width": 4, "g_widths": (8,), "d_widths": (8,), "e_widths": (8,)}
UNITS = {"units": 8, "g_units": 8, "d_units": 8}
SMALL = (
    WIDTHS | UNITS | {"z": 4, "blocks": 1, "code": 4, "key": 2, "d_padding": 2, "cardinality": 2}
)  # by option, for the networks that have it
MATCHING = {"slots": 8, "key": 2, "top": 2, "categories": (2,), "continuous": 1}  # and for the variants


def small(kind: str) -> Network:
    """The network of that kind with as few weights as its options allow."""
    network: Network = _with("network", kind, SMALL)
    return network


def small_networks() -> list[Network]:
    """Every network as `small` makes it, and `sngan_resnet` with each use of labels."""
    plain = [small(kind) for kind in Registry().names("network")]
    uses = ("projection", "classifier", "embeddings")
    conditional: list[Any] = [replace(small("sngan_resnet"), **{"labels": use, "embedding": 4}) for use in uses]
    return plain + conditional


def with_batchnorm(networks: list[Network]) -> list[Network]:
    """The networks as they are, then each with batch norm in G, which conditional ones need."""
    return networks + [replace(network, batchnorm="generator") for network in networks]


def small_variant(kind: str) -> Variant:
    """The variant of that kind with sizes that fit small networks and short runs."""
    variant: Variant = _with("variant", kind, MATCHING)
    return variant


def _with(family: str, kind: str, sizes: dict[str, Any]) -> Any:
    component: Any = Registry().find(family, kind)
    return component(**{f.name: sizes[f.name] for f in fields(component) if f.name in sizes})
