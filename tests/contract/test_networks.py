"""Every network on the spaces that it serves, and its reasons for those that it doesn't."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.plugins import Registry
from ganbench.testing.networks import check_player
from tests.support.small import small

REGISTRY = Registry()
KINDS = REGISTRY.names("network")
SPACES = [Space((2,)), Space((1, 8, 8), 10), Space((3, 16, 16)), Space((1, 28, 28), 10), Space((3, 64, 64))]
ODD = [Space((700,)), Space((3, 48, 40)), Space((1, 7, 7)), Space((2, 30, 30)), Space((3, 1, 1))]


def fitting(kind: str) -> list[Space]:
    return [space for space in SPACES if small(kind).unsupported(space) is None][:3]


PAIRS = [pytest.param(kind, space, id=f"{kind}-{space.shape}") for kind in KINDS for space in fitting(kind)]


@pytest.mark.parametrize(("kind", "space"), PAIRS)
def test_every_pair_on_every_space_that_it_serves(kind: str, space: Space) -> None:
    testing.check_network(small(kind), space)


@pytest.mark.parametrize("kind", KINDS)
def test_every_network_serves_something(kind: str) -> None:
    assert fitting(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_a_network(kind: str) -> None:
    space = fitting(kind)[0]
    for network in testing.variations(small(kind)):
        for player in ("g", "d") if network.conflict(testing.small_run(network=network)) is None else ():
            check_player(network, space, player)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reason_names_the_space_and_a_network_that_fits(kind: str) -> None:
    network: Any = REGISTRY.find("network", kind)()
    for space in [*SPACES, *ODD]:
        reason = network.unsupported(space)
        if reason is None:
            continue
        assert "x".join(map(str, space.shape)) in reason
        named = [word for word in re.findall(r"\w+", reason) if word in KINDS and word != kind]
        assert any(REGISTRY.find("network", word)().unsupported(space) is None for word in named)  # type: ignore[attr-defined]


# --- the checks can fail ---


FAULTS: dict[str, Any] = {
    "has 0 batch norm layers and should have some": lambda net: nn.Sequential(
        *(m for m in net if "Norm" not in type(m).__name__)
    ),
    "has 1 batch norm layers and should have none": lambda net: nn.Sequential(
        *net, nn.Unflatten(0, (-1, 1)), BatchNorm(1)
    ),
    "eps 0.001": lambda net: nn.Sequential(*map(with_another_eps, net)),
    r"makes \(3, 1\), not \(3,\)": lambda net: nn.Sequential(*net[:-1]),
    "one seed gives two networks": lambda net: nn.Sequential(*net, Salted()),
    "two seeds give one network": lambda net: nn.Sequential(*map(constant, net)),
}


def with_another_eps(layer: nn.Module) -> nn.Module:
    if isinstance(layer, BatchNorm):
        layer.eps = 1e-3
    return layer


def constant(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 0.5)
    return layer


class Salted(nn.Module):
    """A weight that no seed decides."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        Salted.count += 1
        self.salt = nn.Parameter(torch.tensor([float(Salted.count)]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.salt


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_network_is_reported(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small("mlp")
    sound = type(network).discriminator

    def broken(self: Network, space: Space) -> nn.Module:
        return FAULTS[fault](sound(self, space))

    monkeypatch.setattr(type(network), "discriminator", broken)
    with pytest.raises(AssertionError, match=fault):
        testing.check_network(network, SPACES[0])


def test_an_unsupported_space_is_reported() -> None:
    with pytest.raises(AssertionError, match="doesn't fit"):
        testing.check_network(small("dcgan"), SPACES[0])
