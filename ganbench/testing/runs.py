"""Checks that every run must pass: it resumes exactly, and is the same in a pack and alone, recorded and executed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.spec import RunSpec, run_spec
from ganbench.testing.claim import TOLERANCE, claim, same
from ganbench.testing.losses import check_losses
from ganbench.training.graphs import WARM_UP
from ganbench.training.packs import Checkpoint
from ganbench.training.snapshot import RunSnapshot
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.ns import NonSaturating

DOUBLE = Place(dtype=torch.float64)


def small_run(**parts: Any) -> RunSpec:
    """A run that takes a fraction of a second, with the given parts: `small_run(variant=MyGAN(), batch=16)`."""
    network = MLP(z=4, g_widths=(8,), d_widths=(8,))
    own = {"variant": NonSaturating(), "dataset": Ring8(), "network": network, "optimizer": Adam()}
    return run_spec(**{**own, "batch": 8, "steps": 4, **parts})


def check_run(spec: RunSpec, data: Data | None = None) -> None:
    """A run has sound losses, is repeatable, resumes bit for bit, and is the same alone, in a pack and recorded."""
    loaded = spec.dataset.load(None) if data is None else data
    check_losses(spec, loaded)
    check_resume(spec, loaded)
    check_pack(spec, loaded)
    check_recorded(spec, loaded)


def check_resume(spec: RunSpec, data: Data) -> None:
    """A run that is saved halfway and resumed ends bit for bit like one that never stopped."""
    middle = spec.steps // 2
    straight, halves = end([spec], data)[0], train([spec], data, (middle, spec.steps))
    file = io.BytesIO()
    torch.save(next(halves).runs[0].checkpoint(), file)
    claim(straight.diverged is None, f"{spec.run_id()} diverges: {straight.diverged}")
    claim(same(next(halves).runs[0].checkpoint(), straight.checkpoint()), f"a snapshot of {spec.run_id()} changes it")
    file.seek(0)
    resumed = end([spec], data, resume=[torch.load(file, weights_only=True)])[0]
    claim(same(resumed.checkpoint(), straight.checkpoint()), f"{spec.run_id()} resumes to other numbers")


def check_pack(spec: RunSpec, data: Data) -> None:
    """Two runs trained in a pack equal the two runs alone, in float64, unless the variant is not `stackable`."""
    if not spec.stackable:
        return
    specs = [spec, replace(spec, seed=spec.seed + 1)]
    for single, in_pack in zip(specs, end(specs, data, DOUBLE), strict=True):
        alone, weights = _weights(end([single], data, DOUBLE)[0]), _weights(in_pack)
        gaps = {name: _gap(tensor, alone[name]) for name, tensor in weights.items() if tensor.numel()}
        gap, name = max((gap, name) for name, gap in gaps.items())
        claim(gap <= TOLERANCE, f"runs in a pack and alone differ by {gap:.1e} in {name}")


def check_recorded(spec: RunSpec, data: Data) -> None:
    """A run whose turns are recorded and replayed ends bit for bit like one whose turns Python executes.

    Where they can't be recorded they are executed, and nothing is checked.
    """
    longer = replace(spec, steps=max(spec.steps, WARM_UP + 3))
    executed, recorded = (end([longer], data, place)[0] for place in (Place(), Place.of("cpu")))
    claim(
        same(executed.checkpoint(), recorded.checkpoint()),
        f"{longer.run_id()} is trained to other numbers when its turns are recorded: Python decides something anew in "
        "each update; take it from the batch or the carry, or set `capturable = False`",
    )


def _gap(first: Tensor, second: Tensor) -> float:
    """The largest difference of two numbers; infinity where one is not finite."""
    return float((first.double() - second.double()).abs().nan_to_num(nan=torch.inf).max())


def _weights(run: RunSnapshot) -> dict[str, Tensor]:
    """Parameters and buffers by their network and name, `d/0.weight`."""
    nets = run.checkpoint()["nets"]
    return {f"{net}/{name}": tensor for net, saved in nets.items() for name, tensor in saved["weights"].items()}


def end(
    specs: Sequence[RunSpec], data: Data, place: Place | None = None, resume: Sequence[Checkpoint] | None = None
) -> tuple[RunSnapshot, ...]:
    """The snapshot of each run of a pack after its last step."""
    snapshots = list(train(specs, data, (specs[0].steps,), place, resume))
    return snapshots[-1].runs
