"""The generators that runs kept, and samples drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.datasets.base import Space, Split
from ganbench.errors import DamagedRun, RequestError
from ganbench.features.bank import LatentSteps
from ganbench.plugins import Registry
from ganbench.results import tensors
from ganbench.results.store import RunFolder
from ganbench.rng import stream
from ganbench.runner.job import read_spec
from ganbench.spec import RunSpec
from ganbench.training.sampling import (
    GeneratorInputs,
    TrainedGenerator,
    drawn_inputs,
    generate,
    interpolated,
    latent_steps,
    weights_and_carry,
)

GIVE_SUITE = "name the suite's file, which has the whole spec: --suite FILE, or open_results(folder, suite)"


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """Which samples to draw from a run.

    `seed`: of the latents; None is the run's own, by which its scored samples were drawn: with as many samples they are
    equal. `labels`: of a conditional generator, repeated until there are `n`; None draws them from the training data.
    `step`: the mark of which the generator was kept; None is the last one. `interpolate`: None, or how many samples are
    made on the way from one latent to another; then there are `n` such rows.
    """

    n: int = 64
    seed: int | None = None
    labels: Sequence[int] | None = None
    step: int | None = None
    interpolate: int | None = None


@dataclass(frozen=True)
class SavedRun:
    """A run with the generators that it kept. `root`: the data folder; `device`: on which it computes."""

    folder: RunFolder
    spec: RunSpec
    root: Path | None = None
    device: str = "cpu"

    @property
    def space(self) -> Space:
        return self.spec.dataset.space(self.root)

    def centres(self) -> Tensor | None:
        """The centres (k, d) of the true modes of the run's data, if they are known."""
        dataset = self.spec.dataset
        modes = dataset.load(self.root).modes if dataset.has_modes else None
        return modes.centres if modes else None

    def kept(self) -> tuple[int, ...]:
        """The marks of which the generator was kept, rising."""
        names = (path.stem for path in self.folder.checkpoint().parent.glob("*.pt"))
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def mark(self, step: int | None) -> int:
        """A kept mark; the last one for None. Raises `RequestError`."""
        kept = self.kept()
        if not kept:
            todo = "run it to its first mark; `ganbench archive --checkpoints` and `ganbench merge` keep generators"
            raise RequestError(self.folder.run_id, "no generator of this run was kept", todo=todo)
        if step is not None and step not in kept:
            raise RequestError(
                self.folder.run_id, f"no generator of step {step} was kept", f"kept: {', '.join(map(str, kept))}"
            )
        return kept[-1] if step is None else step

    def saved(self, step: int | None) -> dict[str, Tensor]:
        """The tensors of a kept mark. Raises `RequestError`, or `DamagedRun` for a damaged file."""
        path = self.folder.checkpoint(self.mark(step))
        found: dict[str, Tensor] | None = tensors.load(path, self.device, lambda _: None)
        if found is None:
            raise DamagedRun(str(path), "it is missing", todo="run the suite again")
        return found

    def generator(self, step: int | None = None) -> TrainedGenerator:
        """The generator of a kept mark as a module: moving-average weights where the run has them."""
        return TrainedGenerator(self.spec, self.space, *weights_and_carry(self.saved(step))).to(self.device)

    def draw(self, request: SampleRequest) -> Split:
        """Samples at rest: uint8 images (n, c, h, w) or float32 points (n, d), with labels if G takes them.

        Raises `RequestError` for labels or a mark that the run does not have.
        """
        step = self.mark(request.step)
        inputs = self.inputs(request, step)
        drawn = generate(self.spec, self.space, self.saved(step), inputs)
        return Split(drawn.x.cpu(), drawn.y)

    def latent_steps(self, step: int | None = None) -> LatentSteps:
        """Pairs of samples from latents that are close to each other, of a kept mark."""
        return latent_steps(self.spec, self.spec.dataset.load(self.root), self.saved(step), self.mark(step))

    def inputs(self, request: SampleRequest, step: int) -> GeneratorInputs:
        """What the generator is given for a request."""
        rows = request.n if request.interpolate is None else 2 * request.n
        generator = stream(self.spec.seed if request.seed is None else request.seed, "eval", step)
        chosen = None if request.labels is None else self._labels(request.labels)
        known = chosen if chosen is not None else self._training_labels()
        inputs = drawn_inputs(self.spec, self.space, rows, generator, known)
        if chosen is not None:
            inputs = GeneratorInputs(inputs.z, chosen.repeat(-(-rows // len(chosen)))[:rows])
        return inputs if request.interpolate is None else interpolated(inputs, request.interpolate)

    def _labels(self, labels: Sequence[int]) -> Tensor:
        classes, place = self.space.classes, self.folder.run_id
        if not self.spec.network.conditional:
            allowed = "labels for a conditional network only"
            raise RequestError(place, f"the generator of {self.spec.network.kind()} takes no labels", allowed)
        wrong = [label for label in labels if not 0 <= label < classes]
        if wrong or not labels:
            raise RequestError(place, f"there is no label {wrong[0] if wrong else ''}", f"0 to {classes - 1}")
        return torch.tensor(list(labels))

    def _training_labels(self) -> Tensor | None:
        return self.spec.dataset.load(self.root).train.y if self.spec.network.conditional else None


def saved_run(folder: RunFolder, specs: Mapping[str, RunSpec], root: Path | None, device: str = "cpu") -> SavedRun:
    """A run with its spec: one of those given, or what its folder says. Raises `RequestError` if neither has it."""
    spec = specs.get(folder.run_id) or spec_in(folder)
    return SavedRun(folder, spec, root, device)


def spec_in(folder: RunFolder) -> RunSpec:
    """The spec that a run folder describes, of ganbench's own components. Raises `RequestError` where it lacks parts.

    A folder describes a user's component by the hash of its file, and a user's data by the hash of their content.
    """
    body: dict[str, Any] = folder.spec().get("spec", {})
    place = str(folder.path / "spec.json")
    if not body:
        raise RequestError(place, "the run failed before it was begun", todo="run its suite again")
    try:
        spec = read_spec(body, Registry.of())
    except (RequestError, TypeError, KeyError) as error:
        reason = error.given if isinstance(error, RequestError) else str(error)
        raise RequestError(place, f"it does not hold the whole spec: {reason}", todo=GIVE_SUITE) from None
    if spec.run_id() != folder.run_id:
        given = "its components have other versions here, or are a user's"
        raise RequestError(place, given, "the components with which the run was trained", GIVE_SUITE)
    return spec
