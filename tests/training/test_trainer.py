"""The training loop: packs, order of updates, draws, divergence, resume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ganbench.datasets.base import Data
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.rng import global_stream, stream
from ganbench.spec import RunSpec, Schedule
from ganbench.training.sampling import sample
from ganbench.training.snapshot import Divergence, flat
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, LossTerms, Params, Players, Variant
from ganbench.variants.hinge import Hinge
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.minimax import Minimax
from ganbench.variants.ns import NonSaturating
from ganbench.variants.wgan import WGAN
from ganbench.variants.wgan_gp import WGANGP

DOUBLE = Place(dtype=torch.float64)
SMALL = MLP(z=4, g_widths=(8,), d_widths=(8,))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def ring() -> Data:
    return Ring8().load(None)


def ring_spec(**changes: object) -> RunSpec:
    plain = RunSpec(variant=NonSaturating(), dataset=Ring8(), network=SMALL, optimizer=Adam(), batch=8, steps=20)
    return replace(plain, **changes)


def end(spec: RunSpec, data: Data, stops: tuple[int, ...] = (20,), place: Place | None = None) -> Params:
    return list(train([spec], data, stops, place))[-1].runs[0].generator()


def same(one: Params, other: Params) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


PACKS = [
    (NonSaturating(), "both", Adam(), Schedule()),
    (LSGAN(), "discriminator", RMSprop(), Schedule(reuse_z=True)),
    (Hinge(n_dis=2), "generator", RMSpropTF(), Schedule(order="g_first", g_steps=2)),
    (WGANGP(n_critic=2), "generator", Adam(beta1=0.5, beta2=0.9), Schedule()),
    (WGAN(n_critic=2), "none", SGD(), Schedule()),
    (Minimax(), "none", Adam(), Schedule(order="simultaneous")),
]


@pytest.mark.parametrize("case", PACKS, ids=lambda case: f"{case[0].notation()}-{case[2].kind()}")
def test_a_pack_of_four_is_four_packs_of_one(case: tuple, ring: Data) -> None:
    variant, batchnorm, optimizer, schedule = case
    network = replace(SMALL, batchnorm=batchnorm)
    spec = ring_spec(variant=variant, network=network, optimizer=optimizer, schedule=schedule, steps=30)
    specs = [replace(spec, seed=seed) for seed in (0, 1, 5, 9)]
    packed = list(train(specs, ring, (10, 30), DOUBLE))[-1]
    for run, one in zip(packed.runs, specs, strict=True):
        alone = list(train([one], ring, (10, 30), DOUBLE))[-1].runs[0]
        weights, expected = run.generator(), alone.generator()
        for name in expected:
            torch.testing.assert_close(weights[name], expected[name], rtol=0, atol=1e-9)
        assert flat(run.terms) == pytest.approx(flat(alone.terms), abs=1e-9)


def test_a_pack_of_convolutions_with_batch_norm_is_packs_of_one() -> None:
    data = Digits().load(None)
    spec = RunSpec(
        variant=NonSaturating(), dataset=Digits(), network=DCGAN(width=4, z=8, batchnorm="both"),
        optimizer=Adam(), batch=8, steps=5,
    )  # fmt: skip
    specs = [replace(spec, seed=seed) for seed in range(4)]
    packed = list(train(specs, data, (5,), DOUBLE))[-1]
    for run, one in zip(packed.runs, specs, strict=True):
        expected = end(one, data, (5,), DOUBLE)
        for name, tensor in run.generator().items():
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", PACKS, ids=lambda case: f"{case[0].notation()}-{case[2].kind()}")
def test_resume_is_bit_exact(case: tuple, ring: Data, tmp_path: Path) -> None:
    variant, batchnorm, optimizer, schedule = case
    network = replace(SMALL, batchnorm=batchnorm)
    spec = ring_spec(variant=variant, network=network, optimizer=optimizer, schedule=schedule)
    expected = end(spec, ring)
    torch.save(next(train([spec], ring, (7, 20))).runs[0].checkpoint(), tmp_path / "c.pt")
    checkpoint = torch.load(tmp_path / "c.pt", weights_only=True)
    resumed = list(train([spec], ring, (7, 20), resume=[checkpoint]))
    assert [snapshot.step for snapshot in resumed] == [20]
    assert same(resumed[0].runs[0].generator(), expected)


def test_snapshots_change_nothing(ring: Data) -> None:
    assert same(end(ring_spec(), ring, (20,)), end(ring_spec(), ring, tuple(range(1, 21))))


def test_seeds_differ_and_repeat(ring: Data) -> None:
    assert same(end(ring_spec(), ring), end(ring_spec(), ring))
    assert not same(end(ring_spec(), ring), end(ring_spec(seed=1), ring))


def test_simultaneous_takes_both_gradients_at_the_same_parameters(ring: Data) -> None:
    """With D frozen by a vanishing rate both orders agree; with D moving, only `simultaneous` ignores its move."""
    frozen = Adam(g_lr=1e-2, d_lr=1e-30)
    moving = Adam(g_lr=1e-2, d_lr=1e-1)
    one = (1,)
    spec = ring_spec(steps=1)
    simultaneous = replace(spec, schedule=Schedule(order="simultaneous"))
    assert same(
        end(replace(spec, optimizer=frozen), ring, one), end(replace(simultaneous, optimizer=frozen), ring, one)
    )
    reference = end(replace(simultaneous, optimizer=frozen), ring, one)
    assert same(end(replace(simultaneous, optimizer=moving), ring, one), reference)
    assert not same(end(replace(spec, optimizer=moving), ring, one), reference)


def written_out(spec: RunSpec, data: Data) -> Params:
    """The generator after the loop that one would write for this spec (SGD, reused latents), with no part of ours."""
    nets = {}
    for name, make in (("g", spec.network.generator), ("d", spec.network.discriminator)):
        with global_stream(spec.seed, "init", name):
            nets[name] = make(data.space).double()
    g, d = nets["g"], nets["d"]
    rules = {name: torch.optim.SGD(net.parameters(), lr=spec.optimizer.lr) for name, net in nets.items()}
    draws = {name: stream(spec.seed, name) for name in ("data", "latent")}
    for _ in range(spec.steps):
        x = data.draw(spec.batch, draws["data"]).double()
        z = torch.randn(spec.batch, spec.network.z, generator=draws["latent"]).double()
        d_loss = (d(x) - 1).square().mean() / 2 + d(g(z)).square().mean() / 2
        d_gradients = torch.autograd.grad(d_loss, list(d.parameters()))
        if spec.schedule.order == "simultaneous":
            g_gradients = torch.autograd.grad((d(g(z)) - 1).square().mean() / 2, list(g.parameters()))
        step(rules["d"], d_gradients)
        if spec.schedule.order == "d_first":
            g_gradients = torch.autograd.grad((d(g(z)) - 1).square().mean() / 2, list(g.parameters()))
        step(rules["g"], g_gradients)
        data.draw(spec.batch, draws["data"])  # each update draws, though G's loss asks for no data
        torch.randn(spec.batch, spec.network.z, generator=draws["latent"])
    return {name: tensor.detach() for name, tensor in g.named_parameters()}


def step(rule: torch.optim.Optimizer, gradients: Sequence[Tensor]) -> None:
    for param, gradient in zip(rule.param_groups[0]["params"], gradients, strict=True):
        param.grad = gradient
    rule.step()


@pytest.mark.parametrize("order", ["d_first", "simultaneous"])
def test_training_is_the_loop_that_one_would_write(order: str, ring: Data) -> None:
    schedule = Schedule(order=order, reuse_z=True)
    spec = ring_spec(variant=LSGAN(), optimizer=SGD(lr=0.1), schedule=schedule, steps=10)
    found = end(spec, ring, (10,), DOUBLE)
    for name, expected in written_out(spec, ring).items():
        torch.testing.assert_close(found[name], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "batchnorm", "passes"),
    [
        (Schedule(), "none", 5),  # G, D, D; G, D
        (Schedule(order="simultaneous"), "none", 5),
        (Schedule(order="simultaneous", reuse_z=True), "none", 3),  # G, D, D: the fakes and their scores serve both
        (Schedule(order="simultaneous", reuse_z=True), "both", 5),  # running statistics move at every pass
        (Schedule(order="simultaneous", reuse_z=True), "discriminator", 4),
    ],
    ids=lambda value: value.notation() if isinstance(value, Schedule) else str(value),
)
def test_simultaneous_losses_share_their_passes(schedule: Schedule, batchnorm: str, passes: int, ring: Data) -> None:
    seen: list[nn.Module] = []
    hook = register_module_forward_pre_hook(lambda module, _: seen.append(module))
    end(ring_spec(schedule=schedule, network=replace(SMALL, batchnorm=batchnorm), steps=3), ring, (3,))
    hook.remove()
    assert sum(isinstance(module, nn.Linear) for module in seen) == 3 * 2 * passes  # each has two layers


@dataclass(frozen=True, kw_only=True)
class Recording(Variant):
    """Writes down every batch that it is given; sums keep the losses differentiable."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    seen: ClassVar[list[tuple[str, Tensor, Tensor]]] = []

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        self.seen.append(("d", batch.x.clone(), batch.z.clone()))
        return {"all": net.d(batch.x).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        self.seen.append(("g", batch.x.clone(), batch.z.clone()))
        return {"all": net.d(net.g(batch.z)).mean()}


def recorded(ring: Data, schedule: Schedule, steps: int = 2) -> list[tuple[str, Tensor, Tensor]]:
    Recording.seen.clear()
    list(train([ring_spec(variant=Recording(), schedule=schedule, steps=steps)], ring, (steps,)))
    return list(Recording.seen)


@pytest.mark.parametrize(
    ("schedule", "order"),
    [
        (Schedule(), "dgdg"),
        (Schedule(order="g_first"), "gdgd"),
        (Schedule(d_steps=3), "dddgdddg"),
        (Schedule(d_steps=2, g_steps=2, order="g_first"), "ggddggdd"),
        (Schedule(order="simultaneous"), "dgdg"),
    ],
    ids=str,
)
def test_order_of_updates(schedule: Schedule, order: str, ring: Data) -> None:
    assert "".join(player for player, _, _ in recorded(ring, schedule)) == order


def test_reuse_z(ring: Data) -> None:
    (_, _, d1), (_, _, g1), (_, _, d2), (_, _, g2) = recorded(ring, Schedule(reuse_z=True))
    assert torch.equal(d1, g1) and torch.equal(d2, g2) and not torch.equal(d1, d2)
    (_, _, d1), (_, _, g1), *_ = recorded(ring, Schedule())
    assert not torch.equal(d1, g1)
    first, second, generator = recorded(ring, Schedule(reuse_z=True, d_steps=2), steps=1)
    assert not torch.equal(first[2], second[2]) and torch.equal(second[2], generator[2])


def test_one_draw_of_latents_for_a_whole_step(ring: Data) -> None:
    """PacGAN's code for stacked MNIST: D and both updates of G see the same latents; `true` shares them with one."""
    for order in ("d_first", "g_first"):
        first, *others, next_step = (
            z for _, _, z in recorded(ring, Schedule(reuse_z="step", g_steps=2, order=order))[:4]
        )
        assert all(torch.equal(z, first) for z in others) and not torch.equal(next_step, first)
    d, g, again = (z for _, _, z in recorded(ring, Schedule(reuse_z=True, g_steps=2), steps=1))
    assert torch.equal(g, d) and not torch.equal(again, d)


def test_two_variants_see_the_same_data_and_latents(ring: Data) -> None:
    class Other(Recording):
        pass

    def other_loss(self: Variant, net: Players, batch: Batch) -> LossTerms:
        Recording.seen.append(("d", batch.x.clone(), batch.z.clone()))
        return {"all": net.d(batch.x).square().mean()}

    Other.d_loss = other_loss  # type: ignore[method-assign]
    first = recorded(ring, Schedule())
    Recording.seen.clear()
    list(train([ring_spec(variant=Other(), optimizer=SGD(), steps=2)], ring, (2,)))
    for (_, x1, z1), (_, x2, z2) in zip(first, Recording.seen, strict=True):
        assert torch.equal(x1, x2) and torch.equal(z1, z2)


@dataclass(frozen=True, kw_only=True)
class Explodes(Variant):
    """Its generator term is infinite once a latent exceeds `limit`: some seeds diverge, at a step that is known."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    limit: float = 3.5

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"real": net.d(batch.x).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        over = (batch.z.amax() - self.limit).relu()
        return {"fine": net.d(net.g(batch.z)).mean(), "wild": over / (over == 0)}


def test_divergence_names_step_and_term_and_spares_the_pack(ring: Data) -> None:
    """The first bad step of each seed is where its own latents first pass the limit."""
    specs = [ring_spec(variant=Explodes(), seed=seed, steps=200) for seed in range(6)]
    last = list(train(specs, ring, (100, 200)))[-1]
    for spec, run in zip(specs, last.runs, strict=True):
        seen = recorded_latents(spec, ring)
        bad = next((step for step, z in enumerate(seen, 1) if z.amax() > 3.5), None)
        assert run.diverged == (Divergence(bad, "g/wild") if bad and bad <= 200 else None)
    fates = {run.diverged is None for run in last.runs}
    assert fates == {True, False}, "the test needs seeds of both fates"


def recorded_latents(spec: RunSpec, ring: Data) -> list[Tensor]:
    Recording.seen.clear()
    list(train([replace(spec, variant=Recording())], ring, (spec.steps,)))
    return [z for player, _, z in Recording.seen if player == "g"]


def test_a_diverged_run_ends_early(ring: Data) -> None:
    wild = ring_spec(variant=LSGAN(), optimizer=SGD(lr=1e6), steps=1000)
    snapshots = list(train([wild], ring, (10, 20, 500, 1000)))
    assert snapshots[-1].step < 1000
    assert snapshots[-1].runs[0].diverged is not None and snapshots[-1].runs[0].terms == {}


def test_samples_depend_on_seed_and_step_alone(ring: Data) -> None:
    spec = ring_spec()
    weights = end(spec, ring)
    first = sample(spec, ring, weights, 700, 20).x
    assert first.shape == (700, 2) and torch.equal(first, sample(spec, ring, weights, 700, 20).x)
    torch.testing.assert_close(first[:100], sample(spec, ring, weights, 100, 20).x)
    assert not torch.equal(first, sample(spec, ring, weights, 700, 21).x)


def test_images_are_sampled_as_uint8() -> None:
    data = Digits().load(None)
    spec = ring_spec(dataset=Digits(), network=DCGAN(width=4, z=8), steps=1)
    images = sample(spec, data, end(spec, data, (1,)), 3, 1).x
    assert images.dtype == torch.uint8 and images.shape == (3, 1, 8, 8)


def test_a_pack_refuses_different_cells(ring: Data) -> None:
    with pytest.raises(ValueError, match="may differ only in their seed"):
        list(train([ring_spec(), ring_spec(batch=9)], ring, (1,)))


def test_simultaneous_updates_are_one_of_each_player(ring: Data) -> None:
    several = ring_spec(variant=WGAN(n_critic=2), schedule=Schedule(order="simultaneous"))
    with pytest.raises(ValueError, match="one step of each player"):
        list(train([several], ring, (1,)))


def test_every_mark_has_samples_of_its_own(ring: Data) -> None:
    spec = ring_spec()
    weights = list(train([spec], ring, (1,)))[-1].runs[0].generator()
    first, again, second = (sample(spec, ring, weights, 8, step).x for step in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, second)
