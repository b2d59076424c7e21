"""What variants and networks may ask of the trainer: packs, labels, further networks, carried state, averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.base import Network
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import PlayerName
from ganbench.optimizers.sgd import SGD
from ganbench.spec import RunSpec, Schedule
from ganbench.training.inputs import latents
from ganbench.training.players import packed_generator
from ganbench.training.sampling import sample
from ganbench.training.snapshot import RunSnapshot, flat
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, LossTerms, Params, Player, Players, Variant
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.ns import NonSaturating

DOUBLE = Place(dtype=torch.float64)
SMALL = MLP(z=4, g_widths=(8,), d_widths=(8,))


def spec_of(**changes: object) -> RunSpec:
    plain = RunSpec(variant=NonSaturating(), dataset=Ring8(), network=SMALL, optimizer=Adam(), batch=8, steps=12)
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def ring() -> Data:
    return Ring8().load(None)


def last(spec: RunSpec, data: Data, place: Place = DOUBLE) -> RunSnapshot:
    return list(train([spec], data, (spec.steps,), place))[-1].runs[0]


def check_pack_and_resume(spec: RunSpec, data: Data) -> None:
    """A pack of three equals packs of one in float64, and a resumed run an uninterrupted one, bit for bit."""
    specs = [replace(spec, seed=seed) for seed in range(3)]
    for run, one in zip(list(train(specs, data, (spec.steps,), DOUBLE))[-1].runs, specs, strict=True):
        alone = last(one, data).generator()
        for name, tensor in run.generator().items():
            torch.testing.assert_close(tensor, alone[name], rtol=0, atol=1e-9)
    checkpoint = next(train([spec], data, (5, spec.steps))).runs[0].checkpoint()
    resumed = list(train([spec], data, (5, spec.steps), resume=[checkpoint]))[-1].runs[0].generator()
    expected = last(spec, data, Place()).generator()
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)


@dataclass(frozen=True, kw_only=True)
class Peeking(Variant):
    """Writes down what it is given."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    seen: ClassVar[list[tuple[Tensor, ...]]] = []

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        self.seen.append((batch.x, fake, net.d(batch.x), batch.step))
        return {"all": net.d(batch.x).mean() - net.d(fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"all": net.d(net.g(batch.z)).mean()}


def test_packed_samples_stand_side_by_side(ring: Data) -> None:
    """With pac = 2 D sees (x1, y1, x2, y2) of two independent samples, real or made, and gives one score a pack."""
    Peeking.seen.clear()
    list(train([spec_of(variant=Peeking(), network=replace(SMALL, pac=2), steps=2)], ring, (2,)))
    real, fake, score, _ = Peeking.seen[0]
    assert real.shape == fake.shape == (8, 4) and score.shape == (8,)
    Peeking.seen.clear()
    list(train([spec_of(variant=Peeking(), batch=16, steps=1)], ring, (1,)))
    torch.testing.assert_close(Peeking.seen[0][0].reshape(8, 4), real, msg="the same draws, two by two")
    torch.testing.assert_close(Peeking.seen[0][1].reshape(8, 4), fake)


def test_g_can_make_each_packed_sample_in_a_call_of_its_own() -> None:
    """A G that subtracts the mean of its batch: (1, 2, 6) and (10, 20, 60) have means 3 and 30, together 16.5."""
    z = torch.tensor([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
    g = Player(lambda _, latents: latents - latents.mean(0), {})

    def made(pac_calls: Literal["once", "each"]) -> Tensor:
        return packed_generator(spec_of(network=replace(SMALL, pac=2, pac_calls=pac_calls)), g, {})(z)

    assert made("each").tolist() == [[-2, -20], [-1, -10], [3, 30]]
    assert made("once").tolist() == [[-15.5, -6.5], [-14.5, 3.5], [-10.5, 43.5]]


def test_calls_of_g_change_nothing_without_batch_norm(ring: Data) -> None:
    once, each = (last(spec_of(network=replace(SMALL, pac=3, pac_calls=calls)), ring) for calls in ("once", "each"))
    for name, tensor in once.generator().items():
        torch.testing.assert_close(each.generator()[name], tensor, rtol=0, atol=1e-12)


@pytest.mark.parametrize("calls", ["once", "each"])
def test_runs_of_packed_samples_pack_and_resume(calls: Literal["once", "each"], ring: Data) -> None:
    network = replace(SMALL, pac=3, pac_calls=calls, batchnorm="generator")
    check_pack_and_resume(spec_of(network=network, variant=LSGAN()), ring)


def test_the_step_is_counted_from_1(ring: Data) -> None:
    Peeking.seen.clear()
    list(train([spec_of(variant=Peeking(), schedule=Schedule(d_steps=2), steps=3)], ring, (3,)))
    assert [int(step) for *_, step in Peeking.seen] == [1, 1, 2, 2, 3, 3]


def test_moving_average_by_hand(ring: Data) -> None:
    """The average starts at the initial weights and moves by (1 - decay) of the way at each generator update."""
    spec = spec_of(optimizer=SGD(lr=0.1), schedule=Schedule(ema=0.75), steps=4)
    expected = begun(spec, ring)
    for snapshot in train([replace(spec, schedule=Schedule())], ring, (1, 2, 3, 4), DOUBLE):
        step = snapshot.runs[0].generator()
        expected = {name: 0.75 * expected[name] + 0.25 * step[name] for name in expected}
    averaged = last(spec, ring).generator()
    for name, tensor in expected.items():
        torch.testing.assert_close(averaged[name], tensor, rtol=0, atol=1e-12)
    check_pack_and_resume(replace(spec, steps=12), ring)


def begun(spec: RunSpec, data: Data) -> Params:
    """G's weights before the first update: those after one with a vanishing rate."""
    still = replace(spec, optimizer=SGD(lr=1e-300), schedule=Schedule(), steps=1)
    return last(still, data).generator()


@dataclass(frozen=True, kw_only=True)
class Counting(Variant):
    """Carries the number of generator updates and the mean of what it saw; G is fed latents shifted by the count."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"real": net.d(batch.x).mean() * batch.carry["moves"], "fake": -net.d(net.g(batch.z)).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": net.d(net.g(batch.z)).mean()}

    def g_input(self, z: Tensor, carry: Mapping[str, Tensor]) -> Tensor:
        return z + carry["moves"]

    def carry(self) -> Params:
        return {"moves": torch.zeros(()), "mean": torch.zeros(2)}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        moves = batch.carry["moves"] + (1 if mover == "g" else 0)
        return {"moves": moves, "mean": batch.carry["mean"] + batch.x.mean(0)}

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        return {"twice": 2 * carry["moves"]}


def test_carried_state(ring: Data) -> None:
    spec = spec_of(variant=Counting())
    weights = last(spec, ring).generator()
    assert weights["carry/moves"].item() == spec.steps
    shifted = sample(spec, ring, weights, 5, 3).x
    unshifted = sample(spec, ring, weights | {"carry/moves": torch.zeros((), dtype=torch.float64)}, 5, 3).x
    assert not torch.equal(shifted, unshifted), "samples are made with what is carried"
    check_pack_and_resume(spec, ring)


def test_carried_state_is_reported(ring: Data) -> None:
    specs = [spec_of(variant=Counting(), seed=seed) for seed in range(2)]
    for snapshot in train(specs, ring, (3, 12)):
        assert [run.terms["carry"]["twice"] for run in snapshot.runs] == [2 * snapshot.step] * 2
    assert "carry" not in last(spec_of(), ring).terms


def test_terms_have_flat_names_in_files(ring: Data) -> None:
    run = last(spec_of(variant=Counting()), ring)
    assert set(run.terms) == {"d", "g", "carry"}, "no health record is due yet"
    assert flat(run.terms)["carry/twice"] == run.terms["carry"]["twice"]
    assert set(flat(run.terms)) == {"d/real", "d/fake", "g/fake", "carry/twice"}


@dataclass(frozen=True, kw_only=True)
class Labelled(Network):
    """A conditional pair on points, and an encoder `e`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    conditional: ClassVar[bool] = True
    others: ClassVar[frozenset[str]] = frozenset({"e"})
    z: int = 3

    def generator(self, space: Space) -> nn.Module:
        return Joined(self.z + space.classes, 2, space.classes)

    def discriminator(self, space: Space) -> nn.Module:
        return nn.Sequential(Joined(2 + space.classes, 1, space.classes), nn.Flatten(0))

    def other(self, name: str, space: Space) -> nn.Module:
        return nn.Linear(2, self.z)

    def unsupported(self, space: Space) -> str | None:
        return None


class Joined(nn.Module):
    """A linear map of an input and a one-hot label."""

    def __init__(self, inputs: int, outputs: int, classes: int) -> None:
        super().__init__()
        self.linear, self.classes = nn.Linear(inputs, outputs), classes

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        one_hot = (y[:, None] == torch.arange(self.classes)).to(x.dtype)
        result: Tensor = self.linear(torch.cat([x, one_hot], 1))
        return result


class Scores(nn.Sequential):
    """A sequence whose first part takes the label."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        result: Tensor = self[0](x, y).flatten()
        return result


@dataclass(frozen=True, kw_only=True)
class Encoding(Variant):
    """Wasserstein losses, and an encoder that learns to invert G together with G."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    others: ClassVar[tuple[str, ...]] = ("e",)
    g_moves: ClassVar[tuple[str, ...]] = ("g", "e")

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"real": -net.d(batch.x).mean(), "fake": net.d(net.g(batch.z)).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        return {"fake": -net.d(fake).mean(), "code": (net["e"](fake) - batch.z).square().mean()}


def labelled() -> Data:
    """Two classes far apart: class 0 at (-5, 0), class 1 at (5, 0)."""
    y = torch.arange(200) % 2
    x = torch.stack([10.0 * y - 5, torch.zeros(200)], 1)
    split = Split(x, y)
    return Data(Space((2,), classes=2), split, split, split)


@pytest.fixture
def conditional(monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    monkeypatch.setattr(Labelled, "discriminator", lambda self, space: Scores(Joined(4, 1, 2)))
    return spec_of(network=Labelled(), variant=Encoding(), optimizer=SGD(lr=0.05), steps=60)


def test_labels_reach_both_networks_and_the_samples(conditional: RunSpec) -> None:
    data = labelled()
    weights = last(conditional, data, Place()).generator()
    made = sample(conditional, data, weights, 400, 60)
    assert made.y is not None and 100 < int(made.y.sum()) < 300, "labels as in the training data"
    assert made.x.shape == (400, 2)
    again = sample(conditional, data, weights, 400, 60)
    assert torch.equal(made.x, again.x) and torch.equal(made.y, again.y)


def test_conditional_runs_and_further_networks_pack_and_resume(conditional: RunSpec) -> None:
    check_pack_and_resume(replace(conditional, steps=12), labelled())


def test_further_networks_move_where_declared(conditional: RunSpec) -> None:
    snapshots = list(train([replace(conditional, steps=40)], labelled(), (20, 40)))
    first, second = (snapshot.runs[0].terms["g"]["code"] for snapshot in snapshots)
    assert second < first, "the encoder learns"


def test_latents_keep_their_law() -> None:
    uniform = spec_of(network=replace(SMALL, prior="uniform", z=50))
    z = latents(uniform, Space((2,)), 1000, torch.Generator().manual_seed(0))
    assert -1 <= z.min() < -0.99 and 0.99 < z.max() <= 1 and abs(z.mean()) < 0.02
