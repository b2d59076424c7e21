"""What the keys of a suite file and the options of components mean: for editors and the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ganbench.component import Component, options
from ganbench.spec import GRID_AXES

SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z`])")

AXES = {
    "variant": "The GAN: its loss functions and what they need.",
    "penalty": "A term that is added to the loss of the discriminator or the generator; none by default.",
    "augment": "A transformation of everything that the discriminator sees; none by default.",
    "dataset": "The real samples.",
    "network": "The generator and the discriminator; by default `mlp` for points and `dcgan` for images.",
    "batchnorm": "The networks that have batch norm.",
    "optimizer": "The optimizer of both networks, `adam` by default.",
    "schedule": "The order of the updates, as a word or with its options; `d_first` by default.",
    "batch": "The batch size, 64 by default.",
    "steps": "The number of training steps.",
    "precision": "The arithmetic of the training: `float32`, the default, or `bf16`.",
    "seed": "A number of seeds from 0 up, or a list of seeds.",
}
CELLS = {
    "axis": "The axis in which the two sides differ.",
    "metric": "A metric, or one of the rates stable, collapsed, never_good and diverged.",
    "where": "The cells that are meant: for each axis a value or a list of values.",
}
LIMITS = {"at_least": "The lower limit.", "at_most": "The upper limit."}
TEST = {
    "where": CELLS["where"],
    "compare": "The test that one side is better than the other, or that both are the same.",
    "value": "The test of a mean over seeds, or of a rate, against limits.",
    "published": "The paper's numbers, which are printed beside the measured ones.",
}
DESCRIPTIONS: dict[str, dict[str, str]] = {  # by the object that has the keys
    "suite": {
        "name": "The name of the suite; its results are kept under it.",
        "about": "What the suite is about; the report prints it.",
        "include": "A suite file whose keys this one overrides, relative to this file.",
        "grid": "The axes of the study: a mapping is their cross product, a list of mappings is a union.",
        "exclude": "Cells that are left out, with the reasons.",
        "train": "One value for each axis that the grid leaves open.",
        "evaluate": "When generated samples are scored, how many, and by which evaluators.",
        "select": "How the marks of a run become one number in the tables: last, tail or best:METRIC.",
        "plugins": "Files with components of your own, relative to this file. Their code is run.",
        "outcome": "When a run counts as good and as diverse.",
        "compare": "Values of an axis to compare with a baseline, paired by seed.",
        "claims": "Statements of papers, each with a test.",
        "differs": "How the training differs from that of the paper which the suite cites, a sentence each.",
        "foretell": "The share of the steps at which the report tests which metrics foretell how runs end.",
        "looks": "The numbers of seeds after which the claims are tested, ascending.",
        "looked_at": "Seeds on which thresholds or rules were set; no run may have one of them.",
    },
    "block": AXES,
    "where": {axis: f"A value of the axis {axis}, or a list of values." for axis in GRID_AXES},
    "train": AXES
    | {
        "memory_format": "The order of the dimensions of images in memory.",
        "g_batch": "The batch size of the generator's updates; by default that of `batch`.",
    },
    "evaluate": {
        "every": "The number of steps between two evaluations; the last step is always evaluated.",
        "samples": "The number of samples that are generated for an evaluation, 1000 by default.",
        "with": "The evaluators, or `standard` for the metrics that papers report today.",
        "budget": "The share of the wall time that evaluation may take; evaluations beyond it are skipped.",
    },
    "exclude": {"where": CELLS["where"], "because": "The reason, which the report prints."},
    "outcome": {
        "good": "The conditions that a good run meets, all of them.",
        "diverse": "The conditions that a run without mode collapse meets, all of them, on metrics of diversity.",
    },
    "condition": LIMITS
    | {
        "metric": "The metric that is judged.",
        "ratio": "A good value is at most this many times worse than the run's best so far.",
        "drop": "A good value is at most this much worse than the run's best so far.",
    },
    "comparison": CELLS
    | {
        "axis": "The axis whose values are compared.",
        "baseline": "The value of the axis with which every other value is compared.",
        "pooled": "Whether all settings of the other axes are compared together.",
    },
    "contrast": CELLS
    | {
        "better": "The side that the claim says is better: a value of the axis, or a cell.",
        "worse": "The side that the claim says is worse: a value of the axis, or a cell.",
        "same": "The two sides that the claim says are the same: values of the axis, or cells.",
        "within": "The largest difference, in the units of the metric, at which two sides are the same.",
        "paired": "Whether runs are paired by seed and setting; true by default.",
    },
    "level": LIMITS
    | {
        "metric": CELLS["metric"],
        "is": "The value that is expected.",
        "within": "The largest distance from the expected value.",
    },
    "published": {
        "better": "The paper's number for the better side, or the number and its error.",
        "worse": "The paper's number for the worse side, or the number and its error.",
        "value": "The paper's number, or the number and its error.",
    },
    "part": TEST,
    "claim": TEST
    | {
        "says": "The claim in your words.",
        "source": "The paper, with its section or table.",
        "surrogate": "`ONE for OTHER`: the data that stand in for those of the paper.",
        "answerable": "`no` keeps a claim that the seeds of the suite can't answer.",
        "because": "Why the claim can't be answered.",
        "all": "The parts of the claim, each with a test.",
    },
    "Schedule": {
        "order": "Which network is updated first, or both at once.",
        "d_steps": "The number of discriminator updates in a step.",
        "g_steps": "The number of generator updates in a step.",
        "reuse_z": "Whether updates share latents: with the update just before it, or `step` for all of a step.",
        "ema": "The decay of the moving average of the generator that is sampled, or its half-life.",
    },
    "Annealing": {
        "from": "The value at the start.",
        "to": "The value at the end; without it the value stays.",
        "shape": "How the value changes.",
        "over": "The number of steps until `to` is reached; by default the whole training.",
        "warmup": "The number of steps in which the value rises linearly from 0 to `from`.",
        "milestones": "The steps after which a `step` shape multiplies the value by `factor`.",
        "factor": "The factor of a `step` shape.",
    },
    "HalfLife": {"half_life": "The number of generator updates after which half of the former mean is left."},
}


def option_descriptions(component: type[Component]) -> dict[str, str]:
    """For each option of a component, what its documentation says about it, its type, bounds and default."""
    owners = [owner for owner in component.__mro__ if issubclass(owner, Component) and owner is not Component]
    documentation = [" ".join((owner.__dict__.get("__doc__") or "").split()) for owner in owners]
    sentences = [sentence for text in documentation for sentence in SENTENCE.split(text)]
    return {option["name"]: _described(option, sentences) for option in options(component)}


def _described(option: Mapping[str, Any], sentences: Sequence[str]) -> str:
    default = f"default {json.dumps(option['default'])}" if "default" in option else "required"
    facts = [f"{option['type']} {option['bounds']}".strip(), default]
    facts += [f"`ganbench tune` searches {option['search']}"] if "search" in option else []
    return f"{_mention(option['name'], sentences)} ({'; '.join(facts)})".strip()


def _mention(name: str, sentences: Sequence[str]) -> str:
    """The first sentence that begins with a name, else one that has it, else the first of all.

    A name with `_` counts without backticks too, as in a formula.
    """
    quoted = f"`{name}`"
    begins = [sentence for sentence in sentences if sentence.startswith(quoted)]
    has = [sentence for sentence in sentences if quoted in sentence or ("_" in name and name in sentence)]
    return next(iter([*begins, *has, *sentences]), "")
