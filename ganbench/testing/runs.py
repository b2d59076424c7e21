"""What every run keeps: its resumption and its place in a pack."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ganbench.datasets.base import Data
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.spec import RunSpec
from ganbench.testing._claim import TOLERANCE, claim, same
from ganbench.testing.losses import check_losses
from ganbench.training.snapshot import RunSnapshot
from ganbench.training.state import Checkpoint, Place
from ganbench.training.trainer import train
from ganbench.variants.ns import NonSaturating

DOUBLE = Place(dtype=torch.float64)


def small_run(**parts: Any) -> RunSpec:
    """A run of a fraction of a second, with the given parts: `small_run(variant=MyGAN(), batch=16)`."""
    network = MLP(z=4, g_widths=(8,), d_widths=(8,))
    own = {"variant": NonSaturating(), "dataset": Ring8(), "network": network, "optimizer": Adam()}
    return RunSpec(**{**own, "batch": 8, "steps": 4, **parts})


def check_run(spec: RunSpec, data: Data | None = None) -> None:
    """A run has sound losses, repeats, resumes bit for bit, and is the same alone and in a pack."""
    loaded = spec.dataset.load(None) if data is None else data
    check_losses(spec, loaded)
    check_resume(spec, loaded)
    check_pack(spec, loaded)


def check_resume(spec: RunSpec, data: Data) -> None:
    """A run that is saved as plain tensors in its middle, and resumed, ends as one that never stopped, to the bit."""
    middle = spec.steps // 2
    straight, halves = end([spec], data)[0], train([spec], data, (middle, spec.steps))
    file = io.BytesIO()
    torch.save(next(halves).runs[0].checkpoint(), file)
    claim(straight.diverged is None, f"{spec.run_id()} diverges: {straight.diverged}")
    claim(same(next(halves).runs[0].checkpoint(), straight.checkpoint()), f"looking at {spec.run_id()} changes it")
    file.seek(0)
    resumed = end([spec], data, resume=[torch.load(file, weights_only=True)])[0]
    claim(same(resumed.checkpoint(), straight.checkpoint()), f"{spec.run_id()} resumes to other numbers")


def check_pack(spec: RunSpec, data: Data) -> None:
    """Two runs trained as one program are the two runs alone, in float64. A variant may declare that it can't."""
    if not spec.variant.stackable:
        return
    specs = [spec, replace(spec, seed=spec.seed + 1)]
    for one, packed in zip(specs, end(specs, data, DOUBLE), strict=True):
        alone, weights = end([one], data, DOUBLE)[0].generator(), packed.generator()
        gaps = {name: float((tensor - alone[name]).abs().max()) for name, tensor in weights.items()}
        name = max(gaps, key=lambda name: gaps[name])
        claim(gaps[name] <= TOLERANCE, f"{one.run_id()} in a pack and alone differ by {gaps[name]:.1e} in G's {name}")


def end(
    specs: Sequence[RunSpec], data: Data, place: Place | None = None, resume: Sequence[Checkpoint] | None = None
) -> tuple[RunSnapshot, ...]:
    """How each run of a pack looks after its last step."""
    snapshots = list(train(specs, data, (specs[0].steps,), place, resume))
    return snapshots[-1].runs
