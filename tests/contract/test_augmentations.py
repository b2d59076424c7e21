"""Every augmentation over every variant that scores samples, on points and on images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch

from ganbench import testing
from ganbench.augmentations.ada import ADA
from ganbench.augmentations.apa import APA
from ganbench.augmentations.base import Augmentation
from ganbench.augmentations.diffaugment import DiffAugment
from ganbench.augmentations.flip import Flip
from ganbench.datasets.base import Data, Dataset
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.penalties.r1 import R1Penalty
from ganbench.plugins import Registry
from ganbench.spec import RunSpec, Schedule
from ganbench.suite.rules import conflict
from ganbench.testing.claim import same
from ganbench.testing.runs import DOUBLE, end
from ganbench.training.trainer import train
from tests.support.small import small, small_networks, small_variant, with_batchnorm

Load = Callable[[Dataset], Data]

REGISTRY = Registry()
AUGMENTATIONS = tuple(kind for kind in REGISTRY.names("augment") if kind != "none")
PLACES = {"points": (Ring8(), small("mlp")), "images": (Digits(), small("dcgan"))}
NONE = (Flip(p=0), DiffAugment(colour=0, translation=0, cutout=0), ADA(target=None), APA(target=None))
WHOLE = ADA(p=0.7, target=None, filter=1, rgb_noise=1, cutout=1)
FULL = (Flip(p=1), DiffAugment(), ADA(p=0.7, target=None), WHOLE, APA(p=0.5, target=None))


def run(augment: Augmentation | str | None, place: str = "images", **parts: Any) -> RunSpec:
    dataset, network = PLACES[place]
    chosen = REGISTRY.find("augment", augment)() if isinstance(augment, str) else augment
    return testing.small_run(**{"dataset": dataset, "network": network, "batch": 6, "augment": chosen, **parts})


def serves(spec: RunSpec) -> bool:
    return conflict(spec, spec.dataset.space(None)) is None


def named(augment: Augmentation) -> str:
    return augment.notation()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_a_run_with_it_is_sound(kind: str, place: str, load: Load) -> None:
    """Sound terms, exact resume, the same in a pack and alone."""
    spec = run(kind, place)
    if serves(spec):
        testing.check_run(spec, load(spec.dataset))
    else:
        assert place == "points" and kind != "apa", "only transformations of images ask for images"


@pytest.mark.parametrize("variant", REGISTRY.names("variant"))
@pytest.mark.parametrize("kind", ["flip", "apa"])
def test_it_serves_every_variant_that_scores_samples(kind: str, variant: str, load: Load) -> None:
    made, augment = small_variant(variant), Flip() if kind == "flip" else APA(p=0.5, target=None)
    serving = (
        spec for one in with_batchnorm(small_networks()) if serves(spec := run(augment, variant=made, network=one))
    )
    if spec := next(serving, None):
        testing.check_losses(spec, load(spec.dataset))
    else:
        assert not made.scores_samples or made.conflict(run(None, variant=made))


@pytest.mark.parametrize("augment", FULL, ids=named)
def test_every_option_trains(augment: Augmentation, load: Load) -> None:
    for other in testing.variations(augment):
        testing.check_losses(run(other), load(Digits()))


@pytest.mark.parametrize("augment", FULL, ids=named)
def test_it_changes_the_run_in_a_pack_as_alone(augment: Augmentation, load: Load) -> None:
    spec, data = run(augment), load(Digits())
    testing.check_run(spec, data)
    (with_it,), (without,) = end([spec], data, DOUBLE), end([run(None)], data, DOUBLE)
    nets = with_it.checkpoint()["nets"], without.checkpoint()["nets"]
    assert not same(nets[0]["d"], nets[1]["d"]) and not same(nets[0]["g"], nets[1]["g"])


@pytest.mark.parametrize("network", ["dcgan", "maxout_mlp"])  # images in [-1, 1] and in [0, 1]
@pytest.mark.parametrize("augment", (*NONE, replace(WHOLE, p=0.0)), ids=named)
def test_no_strength_changes_no_number(augment: Augmentation, network: str, load: Load) -> None:
    """Bit for bit in float64, with a penalty and several updates; draws of other streams stay as they are."""
    data = load(Digits())
    parts: dict[str, Any] = {"schedule": Schedule(d_steps=2), "network": small(network), "penalty": R1Penalty()}
    (with_it,), (without,) = (end([run(one, **parts)], data, DOUBLE) for one in (augment, None))
    first, second = with_it.checkpoint(), without.checkpoint()
    assert same(first["nets"], second["nets"]) and with_it.terms["d"] == without.terms["d"]
    assert all(torch.equal(first["streams"][name], second["streams"][name]) for name in ("data", "latent", "penalty"))


@pytest.mark.parametrize("augment", [ADA(images=40, interval=2, target=0.0), APA(images=40, interval=2, target=0.0)])
def test_p_follows_d_is_logged_and_resumes(augment: ADA | APA, load: Load) -> None:
    spec, data = run(augment, steps=9), load(Digits())
    name = f"{augment.kind()}_p"
    seen = [snapshot.runs[0].terms["carry"][name] for snapshot in train([spec], data, range(1, 10))]
    steps = [round((after - before) * 40 / 12, 5) for before, after in pairwise(seen)]
    assert seen[0] == 0 and any(seen) and set(steps[1::2]) == {0}, "p moves in every second update"
    assert {abs(step) for step in steps[::2]} <= {0, 1}
    for middle in (4, 5):  # within an interval and at its end
        halves = train([spec], data, (middle, 9))
        saved = next(halves).runs[0].checkpoint()
        (resumed,), straight = end([spec], data, resume=[saved]), next(halves).runs[0]
        assert same(resumed.checkpoint(), straight.checkpoint())


def test_cells_that_make_no_sense_are_refused_with_the_reason() -> None:
    def why(augment: Augmentation | str, place: str = "images", **parts: Any) -> str:
        spec = run(augment, place, **parts)
        return str(conflict(spec, spec.dataset.space(None)))

    assert why("flip", "points") == "augment flip: it transforms images, and the data are points; use none or apa"
    energies = {"variant": small_variant("began"), "network": small("autoencoder_mlp")}
    assert "the D of began scores no single samples; use none" in why("flip", **energies)
    assert "D sees packed ones; set pac to 1" in why("flip", network=replace(small("dcgan"), pac=2))
    assert "wgan gives no meaning; set target to null" in why("ada", variant=small_variant("wgan"))
    assert why(ADA(target=None), variant=small_variant("wgan")) == "None"
    stacked = REGISTRY.find("dataset", "stacked_digits")()
    assert "separate images in these data; set colour to 0" in why("diffaugment", dataset=stacked)
    assert why(DiffAugment(colour=0), dataset=stacked) == "None"
