"""Turns that are recorded once and replayed give the numbers of turns that Python executes, for every component.

The recorder is the CPU's, a tape, which refuses what a CUDA graph refuses too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ganbench import testing
from ganbench.augmentations.ada import ADA
from ganbench.augmentations.apa import APA
from ganbench.augmentations.base import Augmentation
from ganbench.augmentations.diffaugment import DiffAugment
from ganbench.augmentations.flip import Flip
from ganbench.datasets.base import Data, Dataset
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.adam_sgd import AdamSGD
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.penalties.base import Penalty
from ganbench.penalties.lecam import LeCamPenalty
from ganbench.penalties.max_gp import MaxGradientPenalty
from ganbench.penalties.r1 import R1Penalty
from ganbench.spec import RunSpec, Schedule
from ganbench.testing.claim import same
from ganbench.training.graphs import WARM_UP
from ganbench.training.snapshot import Snapshot
from ganbench.training.state import Place
from ganbench.training.trainer import train
from tests.contract.test_variants import OTHERS, RUNS, VARIANTS, named
from tests.support.small import small

Load = Callable[[Dataset], Data]
STEPS = WARM_UP + 3
RECORDING = Place.of("cpu")

ONE_OF_EACH = [next(spec for spec in (*RUNS, *OTHERS) if spec.variant.kind() == kind) for kind in VARIANTS]
BATCHNORM = [spec for spec in RUNS if spec.network.kind() == "dcgan" and spec.network.batchnorm == "both"][:2]
RULES = [
    *(Adam(), Adam(historical=0.1), RMSprop(momentum=0.5, centered=True), RMSpropTF(momentum=0.5)),
    *(SGD(momentum=0.5, nesterov=True, weight_decay=0.01), AdamSGD(momentum=0.5)),
]
PENALTIES = [R1Penalty(), R1Penalty(every=2), LeCamPenalty(start=1), MaxGradientPenalty(every=3)]
AUGMENTATIONS = [Flip(), DiffAugment(), ADA(p=0.5, images=50, interval=2), APA(p=0.5, images=50, interval=2)]
SCHEDULES = [
    Schedule(order="simultaneous", reuse_z=True),
    Schedule(order="g_first", d_steps=2, g_steps=3, reuse_z=True, ema=0.9),
]


def last(spec: RunSpec, data: Data, place: Place) -> Snapshot:
    pack = [spec, replace(spec, seed=1)] if spec.stackable else [spec]
    return list(train(pack, data, (spec.steps - 1, spec.steps), place))[-1]


def check(spec: RunSpec, data: Data) -> None:
    executed, recorded = (last(spec, data, place) for place in (Place(), RECORDING))
    assert recorded.eager is None and executed.eager is not None
    for one, other in zip(executed.runs, recorded.runs, strict=True):
        assert same(one.checkpoint(), other.checkpoint())
        assert one.terms == other.terms and one.diverged == other.diverged is None


@pytest.mark.parametrize("spec", [*ONE_OF_EACH, *BATCHNORM], ids=named)
def test_variants(spec: RunSpec, load: Load) -> None:
    check(replace(spec, steps=STEPS), load(spec.dataset))


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.notation())
def test_penalties(penalty: Penalty, load: Load) -> None:
    """Turns with the terms of a lazy penalty and turns without them are recorded apart."""
    check(testing.small_run(penalty=penalty, steps=4 * WARM_UP), load(Ring8()))


@pytest.mark.parametrize("augment", AUGMENTATIONS, ids=lambda augment: augment.notation())
def test_augmentations(augment: Augmentation, load: Load) -> None:
    """Their p lies in the carry, so that a recording follows it."""
    data = load(Digits())
    check(testing.small_run(augment=augment, dataset=Digits(), network=small("dcgan"), steps=STEPS), data)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.notation())
def test_optimizers(rule: Optimizer, load: Load) -> None:
    check(testing.small_run(optimizer=rule, steps=STEPS), load(Ring8()))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.notation())
def test_schedules(schedule: Schedule, load: Load) -> None:
    check(testing.small_run(schedule=schedule, steps=STEPS), load(Ring8()))


@pytest.mark.parametrize(
    "rule",
    [Adam(eps_hat=True), SGD(lr_decay=1.1), SGD(momentum=0.1, final_momentum=0.9, ramp=5)],
    ids=lambda rule: rule.notation(),
)
def test_optimizers_with_numbers_of_python_are_never_recorded(rule: Optimizer, load: Load) -> None:
    """Their rates change from update to update on the host, which a recording would freeze."""
    snapshot = last(testing.small_run(optimizer=rule, steps=STEPS), load(Ring8()), RECORDING)
    assert snapshot.eager is not None and rule.notation() in snapshot.eager
