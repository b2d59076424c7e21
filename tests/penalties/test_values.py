"""Penalties: how strong, at which points, and in whose loss, by closed forms in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.augmentations.base import flipped, whole_shifts
from ganbench.datasets.base import Space
from ganbench.networks.mlp import MLP
from ganbench.penalties.base import Penalty, due
from ganbench.penalties.bcr import BalancedConsistency
from ganbench.penalties.cr import Consistency
from ganbench.penalties.dragan import AroundDataPenalty
from ganbench.penalties.gp import GradientPenalty
from ganbench.penalties.l2 import L2Penalty
from ganbench.penalties.lecam import LeCamPenalty
from ganbench.penalties.max_gp import MaxGradientPenalty
from ganbench.penalties.none import NoPenalty
from ganbench.penalties.one_sided import OneSidedPenalty
from ganbench.penalties.parts.consistency import shifted
from ganbench.penalties.r1 import R1Penalty
from ganbench.penalties.r1r2 import R1R2Penalty
from ganbench.penalties.r2 import R2Penalty
from ganbench.penalties.zcr import LatentConsistency
from ganbench.spec import ExtendedRunSpec
from ganbench.training.objective import loss_terms
from ganbench.training.players import LossInputs
from ganbench.variants.base import Batch, Player, Players
from ganbench.variants.ns import NonSaturating
from ganbench.variants.unrolled import Unrolled
from tests.support.scores import LINEAR, SAME, SQUARE, vector

pytestmark = pytest.mark.golden

X = torch.tensor([[1.0, 3.0], [-2.0, 0.5], [0.0, 0.25]], dtype=torch.float64)
Z = torch.tensor([[0.5, -1.0], [2.0, 2.0], [-0.125, 1.0]], dtype=torch.float64)


def added(penalty: Penalty, d: Player, batch: Batch, g: Player = SAME, player: Any = "d") -> dict[str, float]:
    """The terms that a penalty adds to a player's loss; `batch.noise` holds its draws, of G being the identity."""
    spec = testing.small_run(penalty=penalty)
    whole = Batch(batch.x, batch.z, step=batch.step, added={"penalty": batch.noise}, carry=carried(batch))
    terms = loss_terms(spec, player, LossInputs(Players(plain(g), plain(d)), whole), penalised=True)
    return {name: term.item() for name, term in terms.items() if name not in ("real", "fake")}


def plain(player: Player) -> Player:
    """The network, which has no further parts."""
    return Player(lambda params, *inputs, part="forward": player.apply(params, *inputs), player.params)


def carried(batch: Batch) -> dict[str, Tensor]:
    return {f"penalty/{name}": tensor for name, tensor in batch.carry.items()}


def silent(penalty: Penalty, x: Tensor) -> dict[str, Tensor]:
    asked = penalty.noise(len(x), Space(tuple(x.shape[1:])))
    return {name: torch.zeros(draw.shape, dtype=x.dtype) for name, draw in asked.items()}


# D(x) = 3 x1 + 4 x2 has the gradient norm 5 everywhere.
STRENGTHS: list[tuple[Penalty, dict[str, float]]] = [
    (GradientPenalty(), {"gp": 160.0}),
    (OneSidedPenalty(), {"one_sided": 160.0}),
    (MaxGradientPenalty(), {"max_gp": 250.0}),
    (AroundDataPenalty(), {"dragan": 160.0}),
    (AroundDataPenalty(weight=150, scale=30, relative=False), {"dragan": 2400.0}),
    (R1Penalty(), {"r1": 125.0}),
    (R2Penalty(), {"r2": 125.0}),
    (R1R2Penalty(weight=0.05), {"r1": 0.625, "r2": 0.625}),
    (GradientPenalty(every=16), {"gp": 16 * 160.0}),
    (R1Penalty(every=4), {"r1": 500.0}),
]


@pytest.mark.parametrize(("penalty", "expected"), STRENGTHS, ids=str)
def test_penalty_of_a_linear_discriminator(penalty: Penalty, expected: dict[str, float]) -> None:
    assert penalty.version == 1, "its numbers changed: derive the values anew"
    assert added(penalty, LINEAR, Batch(X, Z, silent(penalty, X))) == pytest.approx(expected)
    assert added(penalty, LINEAR, Batch(X, Z, silent(penalty, X)), player="g") == {}


def test_a_small_slope_costs_nothing_on_one_side_only() -> None:
    flat = Player(lambda params, x: x @ vector([0.3, 0.4]), {})  # its gradient norm is 0.5
    penalties = (OneSidedPenalty(), GradientPenalty())
    found = [added(penalty, flat, Batch(X, Z, silent(penalty, X))) for penalty in penalties]
    assert found == [pytest.approx({"one_sided": 0.0}), pytest.approx({"gp": 2.5})]


# D(x) = |x|^2 / 2 has the gradient x, so that the points can be read off the penalty.


def test_where_the_points_are() -> None:
    share, x, z = vector([0.25, 0.5, 1.0]), X.numpy(), Z.numpy()
    weight = share.numpy()[:, None]
    between = np.linalg.norm(weight * x + (1 - weight) * z, axis=1)
    batch = Batch(X, Z, {"share": share})
    assert added(GradientPenalty(), SQUARE, batch) == pytest.approx({"gp": 10 * ((between - 1) ** 2).mean()})
    low = np.maximum(between - 1, 0)
    assert added(OneSidedPenalty(), SQUARE, batch) == pytest.approx({"one_sided": 10 * (low**2).mean()})
    assert added(MaxGradientPenalty(weight=2), SQUARE, batch) == pytest.approx({"max_gp": 2 * (between**2).max()})
    real, fake = (x**2).sum(1).mean(), (z**2).sum(1).mean()
    assert added(R1Penalty(weight=2), SQUARE, batch) == pytest.approx({"r1": real})
    assert added(R2Penalty(weight=2), SQUARE, batch) == pytest.approx({"r2": fake})
    assert added(R1R2Penalty(weight=2), SQUARE, batch) == pytest.approx({"r1": real, "r2": fake})


@pytest.mark.parametrize(
    ("penalty", "reach"),
    [
        (AroundDataPenalty(), 0.5 * X.numpy().std()),
        (AroundDataPenalty(symmetric=True, scale=2.0), 2 * X.numpy().std()),
        (AroundDataPenalty(relative=False, scale=30), 30.0),
    ],
    ids=str,
)
def test_points_around_the_data(penalty: AroundDataPenalty, reach: float) -> None:
    share, direction = vector([0.25, 0.5, 1.0]), torch.full_like(X, 0.75)
    u = 0.5 if penalty.symmetric else 0.75
    points = X.numpy() + share.numpy()[:, None] * reach * u
    expected = 10 * ((np.linalg.norm(points, axis=1) - 1) ** 2).mean()
    batch = Batch(X, Z, {"share": share, "direction": direction})
    assert added(penalty, SQUARE, batch) == pytest.approx({"dragan": expected})


def test_l2_is_the_mean_over_kernels_of_half_their_squares() -> None:
    params = {"w": 2 * torch.ones(1, 2), "v": torch.ones(3, 1, 2, 2), "b": torch.ones(9)}
    d = Player(lambda params, x: x @ params["w"][0], params)
    assert added(L2Penalty(weight=3), d, Batch(X.float(), Z.float())) == pytest.approx({"l2": 3 * (4 + 6) / 2})


LECAM = [(LeCamPenalty(start=2), [12.5, 4.5]), (LeCamPenalty(start=2, rectified=True), [12.5, 0.5])]


@pytest.mark.parametrize(("penalty", "distances"), LECAM, ids=str)
def test_lecam_pulls_scores_to_the_averages_of_the_other_side(penalty: LeCamPenalty, distances: list[float]) -> None:
    scores = Player(lambda params, x: x.flatten(), {})
    carry = {"real": vector([1.0])[0], "fake": vector([-1.0])[0]}
    x, z = vector([2.0, 3.0])[:, None], vector([0.0, 3.8284271247461903])[:, None]  # E (r + 1)^2 = 12.5
    for step, factor in ((2.0, 0.0), (3.0, 0.3)):
        batch = Batch(x, z, step=torch.tensor(step), carry=carry)
        assert added(penalty, scores, batch) == pytest.approx({"lecam": factor * sum(distances)})


def test_lecam_averages_follow_d_only() -> None:
    penalty, net = LeCamPenalty(start=2, decay=0.75), Players(SAME, Player(lambda params, x: x.flatten(), {}))
    carry = {"real": vector([1.0])[0], "fake": vector([-1.0])[0]}
    x, z = vector([2.0, 4.0])[:, None], vector([0.0, 1.0])[:, None]
    for step, real, fake in ((2.0, 3.0, 0.5), (3.0, 0.75 + 0.25 * 3, -0.75 + 0.25 * 0.5)):
        batch = Batch(x, z, step=torch.tensor(step), carry=carry)
        following = {name: mean.item() for name, mean in penalty.next_carry(net, batch, "d").items()}
        assert following == pytest.approx({"real": real, "fake": fake})
        assert penalty.next_carry(net, batch, "g") == carry


def test_zcr_compares_near_latents_in_both_losses() -> None:
    penalty = LatentConsistency(sigma=0.5, d_weight=5, g_weight=0.5)
    batch = Batch(X, Z, {"latents": torch.full_like(Z, 2.0)})  # z' = z + 1 in both coordinates
    g = Player(lambda params, z: 3 * z, {})  # G(z') = G(z) + 3, and D moves by 3 (3 + 4)
    assert added(penalty, LINEAR, batch, g) == pytest.approx({"zcr": 5 * 21.0**2})
    assert added(penalty, LINEAR, batch, g, "g") == pytest.approx({"zcr": -0.5 * 9})


# D reads the upper left pixel; images count their pixels row by row.
IMAGES = torch.arange(2 * 16, dtype=torch.float64).reshape(2, 1, 4, 4)
CORNER = Player(lambda params, x: x[:, 0, 0, 0], {})


def test_consistency_compares_images_with_what_a_flip_and_a_shift_make_of_them() -> None:
    kept, moved = vector([0.9, 0.9]), torch.tensor([[0.99, 0.5], [0.0, 0.5]], dtype=torch.float64)
    real = {"real_flip": vector([0.1, 0.9]), "real_shift": torch.full((2, 2), 0.5, dtype=torch.float64)}
    batch = Batch(IMAGES, IMAGES.flatten(1) / 2, real)
    g = Player(lambda params, z: z.reshape(2, 1, 4, 4), {})
    assert added(Consistency(shift=1), CORNER, batch, g) == pytest.approx({"cr": 10 * (3**2 + 0) / 2})
    both = Batch(batch.x, batch.z, {**real, "fake_flip": kept, "fake_shift": moved})
    expected = {"bcr_real": 10 * (3**2 + 0) / 2, "bcr_fake": 20 * (2.0**2 + 2.0**2) / 2}  # a row is half of 4 apart
    assert added(BalancedConsistency(shift=1, fake_weight=20), CORNER, both, g) == pytest.approx(expected)


@pytest.mark.parametrize("by", [(0, 0), (1, 0), (-1, 2), (3, -3)])
def test_shifts_mirror_the_image_at_its_border(by: tuple[int, int]) -> None:
    rows, columns = (np.arange(3, 7) + by[0], np.arange(3, 7) + by[1])
    framed = np.pad(IMAGES.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), "reflect")
    expected = framed[:, :, rows][:, :, :, columns]
    found = shifted(IMAGES, torch.tensor([by, by]))
    assert np.array_equal(found.numpy(), expected)


def test_flips_and_shifts_cover_their_range() -> None:
    assert whole_shifts(vector([0.0, 0.19, 0.2, 0.5, 0.99, 1.0]), 2).tolist() == [-2, -2, -1, 0, 2, 2]
    found = flipped(IMAGES, torch.tensor([True, False]))
    assert torch.equal(found[0], IMAGES[0].flip(2)) and torch.equal(found[1], IMAGES[1])


def test_no_penalty_adds_nothing_and_is_the_same_run() -> None:
    assert added(NoPenalty(), LINEAR, Batch(X, Z)) == {}
    assert testing.small_run(penalty=NoPenalty()) == testing.small_run()
    assert type(testing.small_run(penalty=R1Penalty())) is ExtendedRunSpec


def test_lazy_penalties_are_due_in_every_nth_step() -> None:
    assert [step for step in range(1, 40) if due(R1Penalty(every=16), step)] == [1, 17, 33]
    assert all(due(R1Penalty(), step) for step in range(1, 9))


@pytest.mark.parametrize("penalty", [R1Penalty(), GradientPenalty(), L2Penalty(), LeCamPenalty()], ids=str)
def test_conflicts_say_what_would_work(penalty: Penalty) -> None:
    normed = testing.small_run(penalty=penalty, network=MLP(z=4, batchnorm="discriminator"))
    said = penalty.conflict(normed)
    assert ("batch norm in D" in str(said)) == penalty.takes_gradients
    assert "would leave it out" in str(penalty.conflict(testing.small_run(variant=Unrolled(), penalty=penalty)))
    assert penalty.conflict(testing.small_run(variant=NonSaturating(), penalty=penalty)) is None
