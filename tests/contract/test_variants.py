"""Every variant on points and on images, over every small network that serves, wherever batch norm may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
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
from ganbench.suite.rules import conflict
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, Better, Draw, LossTerms, Players, Variant
from tests.support.noise import Noise
from tests.support.small import small, small_networks, small_variant

Load = Callable[[Dataset], Data]

REGISTRY = Registry()
VARIANTS = REGISTRY.names("variant")
COMMON = [(Ring8(), small("mlp")), (Digits(), small("mlp")), (Digits(), small("dcgan"))]
BATCHNORM = ("none", "generator", "discriminator", "both")
PLACES = [
    Digits(),
    *(Noise(shape=shape) for shape in ((3, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 112, 112))),
]


def runs(kind: str, dataset: Dataset, network: Network) -> list[RunSpec]:
    """The runs of a variant on a network, for every placement of batch norm without a conflict."""
    placed = [replace(network, batchnorm=batchnorm) for batchnorm in BATCHNORM]
    parts = {"variant": small_variant(kind), "dataset": dataset, "batch": 6}
    specs = [testing.small_run(network=one, **parts) for one in placed]
    return [spec for spec in specs if objects(spec) is None]


def objects(spec: RunSpec) -> str | None:
    return conflict(spec, spec.dataset.space(None))


def others() -> list[RunSpec]:
    """Every variant once on every other network, on the smallest images that it serves."""
    rest = [network for network in small_networks() if network.kind() not in ("mlp", "dcgan")]
    cells = [(next(d for d in PLACES if network.unsupported(d.space(None)) is None), network) for network in rest]
    met = [runs(kind, *cell)[:1] for cell, kind in product(cells, VARIANTS)]
    return [replace(spec, steps=2) for specs in met for spec in specs]


def asks_for_more(kind: str) -> bool:
    """Whether a variant is played by networks of its own only."""
    variant: Any = REGISTRY.find("variant", kind)
    return bool(variant.needs or variant.others)


def named(spec: RunSpec) -> str:
    parts = (spec.variant.kind(), spec.dataset.kind(), spec.network.kind(), spec.network.batchnorm)
    return "-".join(parts)


def in_pairs(specs: list[RunSpec]) -> list[RunSpec]:
    """As few of a variant's runs as hold each pair of variant, data, network and placement of batch norm that all have.

    The runs of a variant are taken in turns: the first one that adds most pairs, until none adds any.
    """
    chosen: list[RunSpec] = []
    met: set[tuple[str, ...]] = set()
    by_kind = {kind: [spec for spec in specs if spec.variant.kind() == kind] for kind in VARIANTS}
    while any(by_kind.values()):
        for kind, left in by_kind.items():
            left[:] = [spec for spec in left if not pairs(spec) <= met]
            if left:
                best = max(left, key=lambda spec: len(pairs(spec) - met))
                chosen.append(best)
                met |= pairs(best)
                by_kind[kind] = left
    return chosen


def pairs(spec: RunSpec) -> set[tuple[str, ...]]:
    variant, cell, norm = spec.variant.kind(), (spec.dataset.kind(), spec.network.kind()), spec.network.batchnorm
    return {(variant, *cell), (variant, norm), (*cell, norm)}


def signature(network: Network) -> tuple[Any, ...]:
    """What a variant can tell of a network: two with one signature are alike to it."""
    return network.parts, network.others, network.conditional, network.mixing() is None


def one_of_a_signature(specs: list[RunSpec]) -> list[RunSpec]:
    """Every variant on one network of each signature; the networks of a signature take turns, so that each is met."""
    groups: dict[tuple[Any, ...], dict[str, list[RunSpec]]] = {}
    for spec in specs:
        groups.setdefault(signature(spec.network), {}).setdefault(spec.variant.kind(), []).append(spec)
    return [own[turn % len(own)] for group in groups.values() for turn, own in enumerate(group.values())]


RUNS = [spec for kind, cell in product(VARIANTS, COMMON) for spec in runs(kind, *cell)]
OTHERS = others()
every = pytest.mark.parametrize("spec", RUNS, ids=named)
pairwise = pytest.mark.parametrize("spec", in_pairs(RUNS), ids=named)


def test_every_variant_is_met() -> None:
    """On points and on images; one that asks for more than a score, by a network that has it."""
    plain = [kind for kind in VARIANTS if not asks_for_more(kind)]
    met = {(spec.variant.kind(), spec.dataset.kind()) for spec in RUNS}
    assert met >= set(product(plain, ("ring8", "digits")))
    assert {spec.variant.kind() for spec in (*RUNS, *PROBES)} == set(VARIANTS)
    assert set().union(*map(pairs, in_pairs(RUNS))) == set().union(*map(pairs, RUNS))
    assert {spec.network.kind() for spec in REST} == {spec.network.kind() for spec in OTHERS if spec not in PROBES}


def matched(spec: RunSpec, variant: Variant) -> RunSpec:
    """The run with that variant; an option that its network has too is one number."""
    both = {f.name for f in fields(variant)} & {f.name for f in fields(spec.network)}
    network = replace(spec.network, **{name: getattr(variant, name) for name in both})
    return replace(spec, variant=variant, network=network)


@every
def test_losses(spec: RunSpec, load: Load) -> None:
    testing.check_losses(spec, load(spec.dataset))


@pairwise
def test_resume(spec: RunSpec, load: Load) -> None:
    testing.check_resume(spec, load(spec.dataset))


@pairwise
def test_pack(spec: RunSpec, load: Load) -> None:
    testing.check_pack(spec, load(spec.dataset))


PROBES = [spec for spec in OTHERS if spec.variant.kind() in ("ns", "wgan_gp") or asks_for_more(spec.variant.kind())]


@pytest.mark.parametrize("spec", PROBES, ids=named)
def test_other_networks(spec: RunSpec, load: Load) -> None:
    """A plain objective, one with a penalty, and those that these networks are made for."""
    testing.check_run(spec, load(spec.dataset))


REST = one_of_a_signature([spec for spec in OTHERS if spec not in PROBES])


@pytest.mark.parametrize("spec", REST, ids=named)
def test_resume_on_other_networks(spec: RunSpec, load: Load) -> None:
    """They fit together, as a pack too, and a checkpoint holds all that there is."""
    testing.check_resume(spec, load(spec.dataset))
    pack = [spec, replace(spec, seed=1)] if spec.stackable else [spec]
    (snapshot,) = train(pack, load(spec.dataset), (1,))
    assert snapshot.step == 1


@pytest.mark.parametrize("kind", VARIANTS)
def test_every_option_trains(kind: str, load: Load) -> None:
    own = [spec for spec in (*RUNS, *OTHERS) if spec.variant.kind() == kind]
    unmet = []
    for variant in testing.variations(small_variant(kind)):
        fitting = (spec for spec in (matched(one, variant) for one in own) if objects(spec) is None)
        if spec := next(fitting, None):
            testing.check_losses(spec, load(spec.dataset))
        else:
            unmet.append(variant.notation())
    assert not unmet


@pytest.mark.parametrize("kind", VARIANTS)
def test_declared_draws_fit_any_batch(kind: str) -> None:
    variant: Any = REGISTRY.find("variant", kind)()
    for space in (Space((2,)), Space((3, 8, 8), 10)):
        for n in (1, 5):
            for draw in variant.noise(n, space).values():
                assert draw.law in ("uniform", "normal", "latent") and all(size >= 1 for size in draw.shape)
                assert draw.shape[0] == n


@pytest.mark.parametrize("kind", VARIANTS)
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
    measures: ClassVar[dict[str, Better]] = {"size": "lower"}
    fault: str = ""

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        term = (net.d(batch.x) * batch.noise["used"]).mean() - net.d(net.g(batch.z)).mean()
        return {"all": self._bent(term, batch)}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {} if self.fault == "no terms" else {"all": net.d(net.g(batch.z)).mean()}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        unused = {"spare": Draw((n,), "normal")} if self.fault == "no loss reads the draws spare" else {}
        return {"used": Draw((n,), "uniform")} | unused

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        match self.fault:
            case "is not declared":
                return {"height": batch.x[:, 0]}
            case "not one value a sample":
                return {"size": batch.x.mean()}
        return {"size": batch.x.flatten(1).norm(dim=1)}

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
          "doesn't depend on the player", "no loss reads the draws spare", "is not declared",
          "not one value a sample")  # fmt: skip


def test_the_unbroken_one_passes() -> None:
    testing.check_run(testing.small_run(variant=Broken()))


@pytest.mark.parametrize("fault", LOSSES)
def test_broken_losses_are_reported(fault: str, load: Load) -> None:
    with pytest.raises(AssertionError, match=fault):
        testing.check_losses(testing.small_run(variant=Broken(fault=fault)), load(Ring8()))


def test_a_variant_that_sees_the_pack_is_reported(load: Load) -> None:
    spec = testing.small_run(variant=Broken(fault="in a pack and alone differ"), optimizer=SGD(lr=0.1))
    with pytest.raises(AssertionError, match="in a pack and alone differ"):
        testing.check_pack(spec, load(Ring8()))


def test_a_variant_with_a_memory_of_its_own_is_reported(load: Load) -> None:
    Broken.calls.clear()
    with pytest.raises(AssertionError, match=r"changes it|resumes to other numbers"):
        testing.check_resume(testing.small_run(variant=Broken(fault="resumes to other numbers")), load(Ring8()))
