"""A named recipe is its loss with a penalty: the same weights, bit for bit in float64, after updates of both."""

from __future__ import annotations

import pytest

from ganbench import testing
from ganbench.component import Component
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.mlp import MLP
from ganbench.penalties.base import Penalty
from ganbench.penalties.dragan import AroundDataPenalty
from ganbench.penalties.gp import GradientPenalty
from ganbench.penalties.r1 import R1Penalty
from ganbench.penalties.r1r2 import R1R2Penalty
from ganbench.penalties.r2 import R2Penalty
from ganbench.spec import Schedule
from ganbench.testing.claim import same
from ganbench.testing.runs import DOUBLE, end
from ganbench.variants.base import Variant
from ganbench.variants.dragan import DRAGAN
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.lsgan_gp import LSGANGP
from ganbench.variants.ns import NonSaturating
from ganbench.variants.r1 import R1
from ganbench.variants.r3gan import R3GAN
from ganbench.variants.rsgan import RSGAN
from ganbench.variants.wgan import WGAN
from ganbench.variants.wgan_gp import WGANGP

RECIPES: list[tuple[Variant, Variant, Penalty]] = [
    (WGANGP(), WGAN(clip=None), GradientPenalty()),
    (DRAGAN(), NonSaturating(), AroundDataPenalty()),
    (DRAGAN(symmetric=True, scale=2.0), NonSaturating(), AroundDataPenalty(symmetric=True, scale=2.0)),
    (
        LSGANGP(),
        LSGAN(reduction="half_sum"),
        AroundDataPenalty(weight=150.0, scale=30.0, relative=False),
    ),
    (
        LSGANGP(frozen=True),
        LSGAN(reduction="half_sum"),
        AroundDataPenalty(weight=150.0, scale=30.0, relative=False, frozen=True),
    ),
    (R1(), NonSaturating(), R1Penalty()),
    (R1(gamma=3.0, on="fake"), NonSaturating(), R2Penalty(weight=3.0)),
    (R1(on="both", convention="full"), NonSaturating(), R1R2Penalty(weight=20.0)),
    (R3GAN(gamma=3.0), RSGAN(), R1R2Penalty(weight=3.0)),
]


def said(value: object) -> str:
    return value.notation() if isinstance(value, Component) else str(value)


@pytest.mark.parametrize(("recipe", "loss", "penalty"), RECIPES, ids=said)
@pytest.mark.parametrize("order", ["d_first", "simultaneous"])
@pytest.mark.parametrize("batchnorm", ["none", "generator"])
def test_a_recipe_is_its_loss_with_the_penalty(
    recipe: Variant, loss: Variant, penalty: Penalty, order: str, batchnorm: str
) -> None:
    schedule = Schedule(order=order, d_steps=1 if order == "simultaneous" else None)  # type: ignore[arg-type]
    network = MLP(z=4, g_widths=(8,), d_widths=(8,), batchnorm=batchnorm)  # type: ignore[arg-type]
    parts = {"network": network, "schedule": schedule, "steps": 6}
    whole = testing.small_run(variant=recipe, **parts)
    split = testing.small_run(variant=loss, penalty=penalty, **parts)
    data = Ring8().load(None)
    first, second = (end([one], data, DOUBLE)[0] for one in (whole, split))
    assert same(first.checkpoint()["nets"], second.checkpoint()["nets"])
    terms = (first.terms, second.terms)
    totals = [{player: sum(own.values()) for player, own in of.items() if player in ("d", "g")} for of in terms]
    assert totals[0] == pytest.approx(totals[1], rel=1e-12)
