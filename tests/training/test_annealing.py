"""Options that change during training: the updates have the values of their step, in packs, recordings and resumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ganbench import testing
from ganbench.annealing import Annealing
from ganbench.datasets.base import Data
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.adam_sgd import AdamSGD
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.penalties.lecam import LeCamPenalty
from ganbench.penalties.r1 import R1Penalty
from ganbench.spec import HalfLife, RunSpec, Schedule
from ganbench.testing.claim import same
from ganbench.training.annealing import at_step
from ganbench.training.graphs import WARM_UP
from ganbench.training.packs import Checkpoint
from ganbench.training.snapshot import Snapshot
from ganbench.training.state import Place
from ganbench.training.tape import tape
from ganbench.training.trainer import train
from ganbench.variants.r3gan import R3GAN
from ganbench.variants.unrolled import Unrolled

STEPS = 8
DOUBLE = torch.float64


def course(start: float, to: float, **options: Any) -> Any:
    """Typed as the number that it stands for."""
    return Annealing(start=start, to=to, **options)


CHANGING = testing.small_run(
    variant=R3GAN(gamma=course(1, 0.1, shape="cosine")),
    penalty=R1Penalty(weight=course(2, 1, warmup=2), every=2),
    optimizer=Adam(lr=course(1e-2, 0), d_lr=course(2e-2, 1e-3, shape="cosine"), beta2=course(0.9, 0.99)),
    schedule=Schedule(d_steps=2, ema=HalfLife(half_life=course(0, 5))),
    g_batch=16,
    steps=STEPS,
)
RULES: list[Optimizer] = [
    Adam(lr=course(1e-2, 0)),
    Adam(eps_hat=True, beta2=course(0.9, 0.99)),
    AdamSGD(lr=course(1e-2, 1e-3), momentum=0.5),
    RMSprop(lr=course(1e-3, 0)),
    RMSpropTF(lr=course(1e-3, 0), momentum=0.5),
    SGD(lr=course(1e-2, 0), momentum=0.5, nesterov=True),
]


@pytest.fixture(scope="module")
def data() -> Data:
    return Ring8().load(None)


def last(specs: list[RunSpec], data: Data, place: Place | None = None) -> Snapshot:
    return list(train(specs, data, (specs[0].steps,), place))[-1]


def by_constants(spec: RunSpec, data: Data, step: int, saved: list[Checkpoint] | None) -> list[Checkpoint]:
    """The run after one step more, in which its options are constants: the values of that step."""
    now = at_step(spec, step)
    ema = spec.schedule.ema
    if isinstance(ema, HalfLife) and isinstance(ema.half_life, Annealing):
        now = replace(now, schedule=replace(spec.schedule, ema=HalfLife(half_life=ema.half_life.at(step, spec.steps))))
    for net in saved[0]["nets"].items() if saved else ():
        net[1]["optimizer"]["param_groups"][0].update(now.optimizer.rates("g" if net[0] == "g" else "d"))
    return [next(train([now], data, (step,), Place(dtype=DOUBLE), resume=saved)).runs[0].checkpoint()]


def test_a_run_resumes_exactly(data: Data) -> None:
    testing.check_run(CHANGING, data)


@pytest.mark.parametrize("rule", RULES, ids=Optimizer.notation)
def test_every_rule_resumes_and_packs(data: Data, rule: Optimizer) -> None:
    spec = testing.small_run(optimizer=rule)
    testing.runs.check_resume(spec, data)
    testing.runs.check_pack(spec, data)


def test_a_pack_of_three_is_three_runs_alone(data: Data) -> None:
    specs = [replace(CHANGING, seed=seed) for seed in range(3)]
    pack = last(specs, data, Place(dtype=DOUBLE))
    for spec, in_pack in zip(specs, pack.runs, strict=True):
        (alone,) = last([spec], data, Place(dtype=DOUBLE)).runs
        for name, tensor in alone.generator().items():
            torch.testing.assert_close(in_pack.generator()[name], tensor, rtol=1e-9, atol=1e-12)


def test_killed_and_resumed_at_every_step(data: Data) -> None:
    straight = [run.checkpoint() for run in last([CHANGING, replace(CHANGING, seed=1)], data).runs]
    for stop in range(1, STEPS):
        pair = [CHANGING, replace(CHANGING, seed=1)]
        saved = [run.checkpoint() for run in next(train(pair, data, (stop,))).runs]
        (resumed,) = train(pair, data, (STEPS,), resume=saved)
        assert same([run.checkpoint() for run in resumed.runs], straight)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=str)
def test_a_constant_course_is_the_constant_bit_for_bit(data: Data, dtype: torch.dtype) -> None:
    plain = testing.small_run(
        variant=R3GAN(gamma=2.0),
        penalty=R1Penalty(weight=0.5),
        optimizer=Adam(lr=3e-3, beta2=0.97),
        schedule=Schedule(ema=HalfLife(half_life=3.0)),
        steps=5,
    )
    courses = replace(
        plain,
        variant=R3GAN(gamma=course(2.0, 2.0)),
        penalty=R1Penalty(weight=course(0.5, 0.5, shape="cosine")),
        optimizer=Adam(lr=course(3e-3, 3e-3), beta2=course(0.97, 0.97)),
        schedule=Schedule(ema=HalfLife(half_life=course(3.0, 3.0))),
    )
    decay = replace(plain, schedule=Schedule(ema=HalfLife(half_life=3.0).at(1, 5)))
    ends = [last([spec], data, Place(dtype=dtype)).runs[0].checkpoint() for spec in (plain, courses, decay)]
    assert same(ends[0], ends[1]) and same(ends[0], ends[2])


@pytest.mark.parametrize(
    "spec",
    [CHANGING, testing.small_run(variant=Unrolled(), optimizer=Adam(lr=course(1e-2, 0)), steps=STEPS)],
    ids=["all", "simulated updates"],
)
def test_each_step_is_one_with_constants(data: Data, spec: RunSpec) -> None:
    saved = None
    for step in range(1, STEPS + 1):
        saved = by_constants(spec, data, step, saved)
    (end,) = last([spec], data, Place(dtype=DOUBLE)).runs
    assert saved is not None and same(end.checkpoint(), saved[0])


RECORDED = [
    replace(CHANGING, optimizer=Adam(lr=course(1e-2, 0), historical=0.1), steps=2 * WARM_UP + 4),
    replace(CHANGING, optimizer=Adam(), penalty=LeCamPenalty(weight=course(1, 0), start=1), steps=WARM_UP + 4),
]


@pytest.mark.parametrize("spec", RECORDED, ids=["rates", "weights"])
def test_recorded_turns_have_the_values_of_their_step(data: Data, spec: RunSpec) -> None:
    pack = [spec, replace(spec, seed=1)]
    executed, recorded = (last(pack, data, place) for place in (Place(dtype=DOUBLE), Place("cpu", DOUBLE, tape)))
    assert recorded.eager is None
    for one, other in zip(executed.runs, recorded.runs, strict=True):
        assert same(one.checkpoint(), other.checkpoint())


@pytest.mark.parametrize("rule", RULES[1:], ids=Optimizer.notation)
def test_rules_that_take_their_rates_from_the_host_are_not_recorded(data: Data, rule: Optimizer) -> None:
    snapshot = last([testing.small_run(optimizer=rule)], data, Place(record=tape))
    assert snapshot.eager is not None and "computes on the host" in snapshot.eager


def test_g_has_batches_of_its_own_size(data: Data) -> None:
    spec = testing.small_run(g_batch=16)
    sizes: list[tuple[int, int]] = []

    class Sizes(type(spec.variant)):  # type: ignore[misc]
        def d_loss(self, net: Any, batch: Any) -> Any:
            sizes.append((len(batch.x), len(batch.z)))
            return super().d_loss(net, batch)

        def g_loss(self, net: Any, batch: Any) -> Any:
            sizes.append((len(batch.x), len(batch.z)))
            return super().g_loss(net, batch)

    last([replace(spec, variant=Sizes(), steps=2)], data)
    assert sizes == [(8, 8), (16, 16)] * 2
    assert testing.small_run(g_batch=8) == testing.small_run(), "the size of D's is not another run"


def test_what_shares_latents_has_one_size(data: Data) -> None:
    spec = testing.small_run(schedule=Schedule(reuse_z=True), g_batch=16)
    with pytest.raises(ValueError, match="leave out g_batch"):
        last([spec], data)


def test_sgd_has_one_way_to_lower_its_rate() -> None:
    spec = testing.small_run(optimizer=SGD(lr=course(0.1, 0), lr_decay=1.1), network=MLP())
    assert "constant learning rate" in str(spec.optimizer.conflict(spec))
