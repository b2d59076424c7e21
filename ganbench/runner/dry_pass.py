"""One dry pass of every component of a user's before anything runs, on a few samples.

ganbench's own components are held by its contract tests; a user's component is held here, by the same checks. A
discriminator that gives (n, 1) instead of (n,), for example, would train another loss by broadcasting. A component that
works alone but not in a pack, under `torch.func.vmap`, is no mistake: its runs are trained alone.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import numpy as np
import torch

from ganbench import testing
from ganbench.component import Component
from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.errors import GanbenchError, RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, View
from ganbench.features.bank import Bank, Real
from ganbench.features.extractor import Embedding, Extractor
from ganbench.guard.process_state import source_files, unchanged_by
from ganbench.guard.user_files import reason
from ganbench.optimizers.adam import Adam
from ganbench.plugins import family_of
from ganbench.rng import stream
from ganbench.runner.job import Job
from ganbench.spec import RunSpec, run_spec
from ganbench.training.sampling import sample
from ganbench.training.trainer import train

BATCH, STEPS = 6, 2
STORED = 256  # samples in each split
FEATURES = 64
MESSAGE = 300  # characters of an error in a note
FLOAT = torch.float32
BREAKDOWNS = (np.linalg.LinAlgError, vars(torch.linalg)["LinAlgError"])
ALLOWED = {
    "dataset": "images are uint8 (n, channels, height, width), points float32 (n, d), labels int64 from 0",
    "network": "G maps (n, z) to (n, *space.shape), D maps samples to one score each, (n,)",
    "variant": "a loss gives scalar terms by name, and each network that it moves has a gradient",
    "penalty": "it gives scalar terms with names that no loss of the variant has",
    "augment": "it gives finite samples of the shape that it was given, and reads every draw that it declares",
    "optimizer": "each update changes every parameter that has a gradient, and no other",
    "evaluator": "it gives a `Score` for each metric that it declares, within the bounds declared",
}
TODO = "repair the file, then run the same line again; `ganbench.testing` has these checks and more"


def check_components(jobs: Iterable[Job], root: Path | None) -> None:
    """Raise `RequestError` for the first component of a user's that can't do what the jobs ask of it.

    `root` is the data folder. A combination of components is tried once, whatever its seeds, steps and batch.
    """
    chosen = [job for job in jobs if source_files(*job.specs[0].components().values(), *job.evaluators)]
    data = {dataset: _data(dataset, root) for dataset in dict.fromkeys(job.specs[0].dataset for job in chosen)}
    for spec in dict.fromkeys(_small(job.specs[0]) for job in chosen):
        if source_files(*spec.components().values()):
            with _blamed(*spec.components().values()):
                _check_run(spec, data[spec.dataset])
    scored = [(job.specs[0].dataset, e, job.samples) for job in chosen for e in job.evaluators if e.digest]
    for dataset, evaluator, samples in dict.fromkeys(scored):
        with _blamed(evaluator, dataset):
            _check_scores(evaluator, data[dataset], samples)


def check_packs(cells: Iterable[RunSpec], root: Path | None) -> dict[RunSpec, str]:
    """Why runs of these cells, given with seed 0, can't share a pack: those with a user's component that fails in one.

    A pack of two must give the numbers of two runs alone, in float64. A combination of components is tried once.
    """
    trials: dict[RunSpec, str | None] = {}
    reasons: dict[RunSpec, str] = {}
    for cell in cells:
        if not source_files(*_trained(cell)):
            continue
        small = _in_float32(_small(cell))
        if small not in trials:
            trials[small] = _why_alone(small, root)
        if why := trials[small]:
            reasons[cell] = why
    return reasons


def _why_alone(spec: RunSpec, root: Path | None) -> str | None:
    """The user's components and why a pack of two runs with them fails or differs from the runs alone, or None."""
    users = [part for part in _trained(spec) if part.digest]
    try:
        testing.check_pack(spec, _data(spec.dataset, root))
    except AssertionError as difference:
        why = str(difference)
    except Exception as error:  # whatever it is, the runs are trained alone
        raised = _raised_in(error, users)
        users = raised or users
        why = f"in a pack of two, in float64, {shorten(_with_line(error, raised), MESSAGE)}"
    else:
        return None
    return f"{' or '.join(part.notation() for part in users)}: {why}"


def _in_float32(spec: RunSpec) -> RunSpec:
    """The run without reduced precision, which can't be compared in float64."""
    return run_spec(**{**vars(spec), "arithmetic": RunSpec.arithmetic})


def _trained(spec: RunSpec) -> list[Component]:
    """The components of a run that compute in a pack: all but the dataset."""
    return [part for axis, part in spec.components().items() if axis != "dataset"]


def _small(spec: RunSpec) -> RunSpec:
    """The run in small; runs that differ in nothing that matters here become equal."""
    matters = spec.optimizer.digest or spec.variant.unrolls_updates
    optimizer = spec.optimizer if matters else Adam()
    return replace(spec, optimizer=optimizer, seed=0, batch=min(spec.batch, BATCH), steps=STEPS)


def _data(dataset: Dataset, root: Path | None) -> Data:
    """A user's data, checked; of ganbench's own, those of a known mixture, else random samples of the same space."""
    if not dataset.digest:
        return dataset.load(root) if dataset.has_modes else _random_data(dataset.space(root))
    with _blamed(dataset):
        data = dataset.load(root)
        testing.check_data(dataset, data, root)
    return data


def _random_data(space: Space) -> Data:
    def split(name: str) -> Split:
        generator, shape = stream(0, "dry pass", name), (STORED, *space.shape)
        points = torch.randn(shape, generator=generator, dtype=FLOAT)
        images = torch.randint(256, shape, generator=generator, dtype=torch.uint8) if space.is_image else points
        labels = torch.arange(STORED) % space.classes if space.classes else None
        return Split(images, labels)

    return Data(space, split("train"), split("validation"), split("test"))


def _check_run(spec: RunSpec, data: Data) -> None:
    """The networks, the losses, and two updates with everything that a mark asks for."""
    testing.check_generator(spec, data, FLOAT)
    testing.check_losses(spec, data, FLOAT)
    if spec.optimizer.digest:
        testing.check_rule(spec.optimizer)
    for snapshot in train([spec], data, range(1, STEPS + 1)):
        run = snapshot.runs[0]
        if run.diverged is None:
            sample(spec, data, run.generator(), BATCH, snapshot.step)
            run.measures()
            run.checkpoint()


def _check_scores(evaluator: Evaluator, data: Data, samples: int) -> None:
    """Names, types and bounds of the scores of random samples; a computation that breaks on these is no mistake."""
    few = replace(data, train=_first(data.train), validation=_first(data.validation), test=_first(data.test))
    extractors = {name: _projection(name) for name in evaluator.needs() if name != "pixels"}
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(Path(folder), extractors=extractors)
        real = bank.reference(few)
        count = min(samples, STORED)
        if evaluator.unsupported(real.space, count, real.modes is not None):
            return
        try:
            evaluator.check(real)
            scores = evaluator(_fake(real, count), real, stream(0, "dry pass"))
        except (GanbenchError, ArithmeticError, *BREAKDOWNS):
            return
    for name, metric in testing.check_names(evaluator, scores).items():
        testing.check_number(scores[name], metric, f"{evaluator.notation()}: {name}")


def _first(split: Split) -> Split:
    return Split(split.x[:STORED], None if split.y is None else split.y[:STORED])


def _fake(real: Real, n: int) -> View:
    made = _random_data(real.space).train
    return real.view(made.x[:n], None if made.y is None else made.y[:n])


def _projection(name: FeatureName) -> Extractor:
    """Random features and logits in place of an extractor's, whose weights may take minutes to train or to read."""

    def apply(x: torch.Tensor) -> Embedding:
        flat = x.flatten(1).to(FLOAT)
        generator = stream(0, "dry pass", name)
        features = flat @ torch.randn(flat.shape[1], FEATURES, generator=generator) / flat.shape[1]
        return Embedding(features, features)

    return Extractor({"extractor": name}, apply, stored=False)


@contextmanager
def _blamed(*components: Component) -> Iterator[None]:
    """Raise whatever goes wrong as a `RequestError` that names the file of the user's component."""
    try:
        with unchanged_by(*components):
            yield
    except GanbenchError:
        raise
    except Exception as error:
        users = [part for part in components if part.digest]
        named = [part for part in users if str(error).startswith(part.notation())]
        raise _refusal(error, named or users) from None


def _refusal(error: Exception, suspects: Sequence[Component]) -> RequestError:
    """A failed check, or an exception with its line in the file that raised it."""
    family = family_of(type(suspects[0]))
    if isinstance(error, AssertionError):
        return RequestError(" or ".join(source_files(*suspects)), str(error), ALLOWED[family], TODO)
    raised = _raised_in(error, suspects)
    given = f"in a dry pass, {_with_line(error, raised)}"
    return RequestError(" or ".join(source_files(*(raised[:1] or suspects))), given, ALLOWED[family], TODO)


def _raised_in(error: Exception, suspects: Sequence[Component]) -> list[Component]:
    """The components whose files are in the traceback of an exception."""
    trace = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    return [part for part in suspects if trace & {*source_files(part)}]


def _with_line(error: Exception, raised: Sequence[Component]) -> str:
    """An exception, with its line in the file of the first of these components."""
    return reason(error, Path(*source_files(raised[0]))) if raised else f"{type(error).__name__}: {error}"
