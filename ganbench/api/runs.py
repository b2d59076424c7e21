"""One run in Python: its spec, its scores, its generators and samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from ganbench.api.lookup import find_run, specs_of
from ganbench.api.suites import load_suite
from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError
from ganbench.report.render.frames import frame_table
from ganbench.results.store import Store
from ganbench.runner.devices import resolve
from ganbench.samples.exporting import export_generator
from ganbench.samples.generators import SampleRequest, SavedRun, saved_run
from ganbench.samples.sources import SourcedSamples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from ganbench.results.store import RunFolder, State
    from ganbench.spec import RunSpec
    from ganbench.training.sampling import TrainedGenerator

RUN = "run:"
DRAWN = 10_000  # samples of `run:ID`
NONE_KNOWN: Mapping[str, RunSpec] = MappingProxyType({})
SCORES = {"step": "int64", "metric": "str", "value": "float64", "stderr": "float64", "n": "int64",
          "n_reference": "Int64", "evaluator": "str"}  # fmt: skip


def open_saved(results: Path, run_id: str, suite: Path | None = None, devices: str = "cpu") -> SavedRun:
    """What a run of a results folder kept; see `find_run` for `run_id`. `suite`: the file of its suite.

    Raises `RequestError` for a run that is not there, or whose spec is not known without the suite.
    """
    known = {} if suite is None else specs_of(load_suite(suite))
    return saved_run(find_run(Store(results), run_id), known, data_root(), resolve(devices, 1)[0])


def source_of(text: str, results: Path, known: Mapping[str, RunSpec] = NONE_KNOWN) -> str | SourcedSamples:
    """`run:ID[:N]` as the samples of that run, any other text as it is.

    N samples (10,000 by default) come from the last kept generator, with the run's own seed. `known`: see `Run`.
    Raises `RequestError`.
    """
    if not text.startswith(RUN):
        return text
    run_id, _, count = text.removeprefix(RUN).partition(":")
    if count and not (count.isdecimal() and int(count)):
        raise RequestError(text, f"{count!r} is not a number of samples", "run:ID or run:ID:N")
    run = saved_run(find_run(Store(results), run_id), known, data_root())
    return SourcedSamples(text, run.draw(SampleRequest(n=int(count or DRAWN))), steps=run.latent_steps())


@dataclass(frozen=True, eq=False)
class Run:
    """A run of a results folder. It is read when it is asked for something, so a run in progress can be followed.

    `known`: the specs of the suite, for runs with a component or data of your own.
    """

    folder: RunFolder
    known: Mapping[str, RunSpec] = field(default_factory=dict, repr=False)

    @property
    def run_id(self) -> str:
        return self.folder.run_id

    @cached_property
    def saved(self) -> SavedRun:
        """What the run kept. Raises `RequestError` if its spec is not known here."""
        return saved_run(self.folder, self.known, data_root())

    @property
    def spec(self) -> RunSpec:
        """Everything that decided the run's numbers. Raises `RequestError` if it is not known here."""
        return self.saved.spec

    @property
    def state(self) -> State | None:
        """How far the run is; None if it never began. Raises `DamagedRun`."""
        return self.folder.check()

    @property
    def marks(self) -> tuple[int, ...]:
        """The steps of which the generator was kept, rising."""
        return self.saved.kept()

    @property
    def scores(self) -> pd.DataFrame:
        """Every score so far, a row each: `step`, `metric`, `value`, `stderr` (NaN without one), `n` generated and
        `n_reference` real samples, and `evaluator`, with its options and version. Raises `DamagedRun`.
        """
        content = self.folder.read()
        rows = content.scores() if content else ()
        return pd.DataFrame(list(rows), columns=list(SCORES)).astype(SCORES)

    def generator(self, step: int | None = None) -> TrainedGenerator:
        """The generator of a kept mark (None: of the last) as a `torch.nn.Module` on the CPU, in evaluation mode.

        It maps latents (n, z), and the labels (n,) of a conditional one, to samples in the range of its network. Its
        weights are the moving average where the run has one. Raises `RequestError` for a mark that was not kept.
        """
        return self.saved.generator(step)

    def sample(
        self,
        n: int = 64,
        seed: int | None = None,
        labels: Sequence[int] | None = None,
        step: int | None = None,
    ) -> Tensor:
        """n samples of a kept mark: uint8 images (n, c, h, w), or float32 points (n, d). See `SampleRequest`.

        Without a seed the latents are those of the run's scored samples. Raises `RequestError`.
        """
        if n < 1:
            raise RequestError("n", f"{n} samples", "at least 1")
        return self.saved.draw(SampleRequest(n=n, seed=seed, labels=labels, step=step)).x

    def export(self, path: Path | str, step: int | None = None) -> Path:
        """Write the generator of a kept mark (None: of the last) as FILE.pt2 or FILE.onnx, and beside it a README.

        The program needs no ganbench. Returns the path of the README, which says how to feed it. Raises
        `RequestError` for another ending, or a mark that was not kept.
        """
        return export_generator(self.saved, Path(path), step)

    def _repr_markdown_(self) -> str:
        state = self.state
        status = f"{state.status} at step {state.step}" if state else "missing"
        last = self.scores
        last = last[last["step"] == last["step"].max()].drop_duplicates("metric", keep="last")
        return f"**{self.run_id}**: {status}\n\n{frame_table(last[['step', 'metric', 'value', 'stderr', 'n']])}"
