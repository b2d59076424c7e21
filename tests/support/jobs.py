"""A small job of real components."""

from __future__ import annotations

from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.modes import ModeCoverage
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.runner.job import Job
from ganbench.spec import RunSpec
from ganbench.variants.ns import NonSaturating

SPEC = RunSpec(
    variant=NonSaturating(),
    dataset=Ring8(),
    network=MLP(z=4, g_widths=(8,), d_widths=(8,)),
    optimizer=Adam(),
    batch=8,
    steps=20,
)
JOB = Job((SPEC,), (10, 20), 50, (ModeCoverage(),))
