"""Every penalty over every variant that scores samples, on points and on images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ganbench import testing
from ganbench.datasets.base import Data, Dataset
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.plugins import Registry
from ganbench.spec import RunSpec
from ganbench.suite.rules import conflict
from ganbench.testing.runs import end
from ganbench.training.trainer import train
from tests.support.small import small, small_networks, small_variant, with_batchnorm

Load = Callable[[Dataset], Data]

REGISTRY = Registry()
PENALTIES = tuple(kind for kind in REGISTRY.names("penalty") if kind != "none")
PLACES = {"points": (Ring8(), small("mlp")), "images": (Digits(), small("dcgan"))}


def run(kind: str, place: str, **parts: Any) -> RunSpec:
    dataset, network = PLACES[place]
    penalty = parts.pop("penalty", REGISTRY.find("penalty", kind)())
    return testing.small_run(**{"dataset": dataset, "network": network, "batch": 6, "penalty": penalty, **parts})


def serves(spec: RunSpec) -> bool:
    return conflict(spec, spec.dataset.space(None)) is None


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", PENALTIES)
def test_a_run_with_it_is_sound(kind: str, place: str, load: Load) -> None:
    """Sound terms, exact resume, the same in a pack and alone; its terms are logged."""
    spec = run(kind, place)
    if not serves(spec):
        assert place == "points" and kind in ("cr", "bcr"), "only transformations of images ask for images"
        return
    testing.check_run(spec, load(spec.dataset))
    (without,) = end([run(kind, place, penalty=None)], load(spec.dataset))
    (ended,) = end([spec], load(spec.dataset))
    assert ended.terms["d"].keys() > without.terms["d"].keys()


@pytest.mark.parametrize("variant", REGISTRY.names("variant"))
@pytest.mark.parametrize("kind", ["gp", "lecam"])
def test_it_serves_every_variant_that_scores_samples(kind: str, variant: str, load: Load) -> None:
    made = small_variant(variant)
    serving = (
        spec
        for one in with_batchnorm(small_networks())
        if serves(spec := run(kind, "images", variant=made, network=one))
    )
    if spec := next(serving, None):
        testing.check_losses(spec, load(spec.dataset))
    else:
        assert not made.scores_samples or made.unrolls_updates or made.conflict(run(kind, "images", variant=made))


@pytest.mark.parametrize("kind", PENALTIES)
def test_every_option_trains(kind: str, load: Load) -> None:
    for penalty in testing.variations(REGISTRY.find("penalty", kind)()):
        spec = run(kind, "images", penalty=penalty)
        testing.check_losses(spec, load(spec.dataset))


@pytest.mark.parametrize("kind", ["r1", "zcr"])
def test_a_lazy_penalty_resumes_and_packs(kind: str, load: Load) -> None:
    spec = run(kind, "points", penalty=REGISTRY.find("penalty", kind)(every=3), steps=8)  # type: ignore[call-arg]
    testing.check_run(spec, load(spec.dataset))
    logged = [
        name in snapshot.runs[0].terms["d"]
        for snapshot in train([spec], load(spec.dataset), range(1, 9))
        for name in (kind,)
    ]
    assert logged == [step % 3 == 1 for step in range(1, 9)]


def test_batch_norm_in_d_is_refused_for_a_cell(load: Load) -> None:
    spec = run("gp", "images", network=replace(small("dcgan"), batchnorm="discriminator"))
    assert "penalty gp: its penalty needs" in str(conflict(spec, spec.dataset.space(None)))
