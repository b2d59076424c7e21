"""The public names as a program of a user's sees them: mypy checks this file with the package; no test runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, assert_type

import pandas as pd
from torch import Tensor, nn

import ganbench as gb
from ganbench.suite import Suite

suite = gb.Suite("mine", grid={"variant": ["ns"], "dataset": "ring8"}, train={"steps": 100}, about="a study")
assert_type(suite, Suite)
assert_type(gb.load_suite("suites/quick.yaml", only=["variant=ns"]), Suite)
results = gb.run(suite, "results", seeds=2, executor="inline", tracking_uri="none")
opened: gb.Results = gb.open_results("results", suite)
assert_type(results.table(), pd.DataFrame)
assert_type(results.claims(), pd.DataFrame)
report: gb.Report = results.report("last")
run: gb.Run = opened["ns"]
generator: nn.Module = run.generator(step=100)
x = run.sample(10_000, seed=0)
assert_type(x, Tensor)
scores: gb.Scores = gb.evaluate(x, "dataset:ring8", ["modes"], seed=1)
judge = gb.Judge(x, metrics=["modes"], latents=gb.Latents(z=8))
assert_type(judge(generator)["modes"], float)
assert_type(judge(x.numpy()).table(), pd.DataFrame)


@dataclass(frozen=True, kw_only=True)
class Mine(gb.Evaluator):
    """An evaluator of a user's, for its type alone."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"
