"""Every variant on points and on images, over every small network that serves, wherever batch norm may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.base import Network
from ganbench.optimizers.sgd import SGD
from ganbench.plugins import Registry
from ganbench.spec import RunSpec
from ganbench.suite.rules import objection
from ganbench.variants.base import Batch, Draw, Players, Terms, Variant
from tests.contract.colours import Colours
from tests.contract.small import small

REGISTRY = Registry()
DATASETS: dict[str, Dataset] = {"ring8": Ring8(), "digits": Digits(), "colours": Colours()}
BATCHNORM = ("none", "generator", "both")


def cells() -> list[tuple[Dataset, Network]]:
    """Every network on every dataset that it serves; the large images are for those that serve no others."""
    pairs = [(dataset, small(kind)) for kind in REGISTRY.names("network") for dataset in DATASETS.values()]
    serving = [(dataset, network) for dataset, network in pairs if network.misfit(dataset.space(None)) is None]
    met = {network.kind() for dataset, network in serving if dataset != Colours()}
    return [(dataset, network) for dataset, network in serving if dataset != Colours() or network.kind() not in met]


def cases() -> list[Any]:
    """Every cell without an objection."""
    found = []
    for kind, (dataset, network), batchnorm in product(REGISTRY.names("variant"), cells(), BATCHNORM):
        variant: Any = REGISTRY.find("variant", kind)()
        steps = 2 if dataset == Colours() else 4
        placed = replace(network, batchnorm=batchnorm)
        spec = testing.small_run(variant=variant, dataset=dataset, network=placed, batch=6, steps=steps)
        if objection(spec, dataset.space(None)) is None:
            found.append(pytest.param(spec, id=f"{kind}-{dataset.kind()}-{network.kind()}-{batchnorm}"))
    return found


CASES = cases()
every = pytest.mark.parametrize("spec", CASES)


def test_every_variant_meets_points_and_images() -> None:
    met = {(case.values[0].variant.kind(), case.values[0].dataset.kind()) for case in CASES}
    assert met == {(kind, name) for kind in REGISTRY.names("variant") for name in DATASETS}
    assert {case.values[0].network.kind() for case in CASES} == set(REGISTRY.names("network"))


@every
def test_losses(spec: RunSpec, debug_data: dict[str, Data]) -> None:
    testing.check_losses(spec, debug_data[spec.dataset.kind()])


@every
def test_resume(spec: RunSpec, debug_data: dict[str, Data]) -> None:
    testing.check_resume(spec, debug_data[spec.dataset.kind()])


@every
def test_pack(spec: RunSpec, debug_data: dict[str, Data]) -> None:
    testing.check_pack(spec, debug_data[spec.dataset.kind()])


@pytest.mark.parametrize("kind", REGISTRY.names("variant"))
def test_every_option_trains(kind: str, debug_data: dict[str, Data]) -> None:
    for variant in testing.variations(REGISTRY.find("variant", kind)()):
        spec = testing.small_run(variant=variant)
        if objection(spec, Space((2,))) is None:
            testing.check_losses(spec, debug_data["ring8"])


@pytest.mark.parametrize("kind", REGISTRY.names("variant"))
def test_declared_draws_fit_any_batch(kind: str) -> None:
    variant: Any = REGISTRY.find("variant", kind)()
    for space in (Space((2,)), Space((3, 8, 8), 10)):
        for n in (1, 5):
            for draw in variant.noise(n, space).values():
                assert draw.law in ("uniform", "normal") and all(size >= 1 for size in draw.shape)
                assert draw.shape[0] == n


@pytest.mark.parametrize("kind", REGISTRY.names("variant"))
def test_numbers_of_discriminator_updates(kind: str) -> None:
    variant: Any = REGISTRY.find("variant", kind)()
    assert all(type(variant.d_steps(step)) is int and variant.d_steps(step) >= 1 for step in (1, 2, 25, 26, 501))


# --- the checks can fail ---


@dataclass(frozen=True, kw_only=True)
class Broken(Variant):
    """A variant that keeps one part of the contract less, by `fault`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    calls: ClassVar[list[int]] = []
    fault: str = ""

    def d_loss(self, net: Players, batch: Batch) -> Terms:
        term = (net.d(batch.x) * batch.noise["used"]).mean() - net.d(net.g(batch.z)).mean()
        return {"all": self._bent(term, batch)}

    def g_loss(self, net: Players, batch: Batch) -> Terms:
        return {} if self.fault == "no terms" else {"all": net.d(net.g(batch.z)).mean()}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        unused = {"spare": Draw((n,), "normal")} if self.fault == "no loss reads the draws spare" else {}
        return {"used": Draw((n,), "uniform")} | unused

    def _bent(self, term: Tensor, batch: Batch) -> Tensor:
        match self.fault:
            case "not a scalar":
                return term.expand(2)
            case "is nan at the first step":
                return term * float("nan")
            case "other terms at a second call":
                return term * torch.rand(())
            case "changes its batch":
                batch.x.mul_(1.5)
            case "doesn't depend on the player":
                return batch.x.mean() + 0 * term.detach()
            case "in a pack and alone differ":
                return term * (1.0 if torch._C._functorch.maybe_current_level() is None else 2.0)
            case "resumes to other numbers":
                self.calls.append(1)
                return term * len(self.calls)
        return term


LOSSES = ("no terms", "not a scalar", "is nan at the first step", "other terms at a second call", "changes its batch",
          "doesn't depend on the player", "no loss reads the draws spare")  # fmt: skip


def test_the_unbroken_one_passes() -> None:
    testing.check_run(testing.small_run(variant=Broken()))


@pytest.mark.parametrize("fault", LOSSES)
def test_broken_losses_are_told(fault: str, debug_data: dict[str, Data]) -> None:
    with pytest.raises(AssertionError, match=fault):
        testing.check_losses(testing.small_run(variant=Broken(fault=fault)), debug_data["ring8"])


def test_a_variant_that_sees_the_pack_is_told(debug_data: dict[str, Data]) -> None:
    spec = testing.small_run(variant=Broken(fault="in a pack and alone differ"), optimizer=SGD(lr=0.1))
    with pytest.raises(AssertionError, match="in a pack and alone differ"):
        testing.check_pack(spec, debug_data["ring8"])


def test_a_variant_with_memory_of_its_own_is_told(debug_data: dict[str, Data]) -> None:
    Broken.calls.clear()
    with pytest.raises(AssertionError, match=r"changes it|resumes to other numbers"):
        testing.check_resume(testing.small_run(variant=Broken(fault="resumes to other numbers")), debug_data["ring8"])
