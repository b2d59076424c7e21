"""How often a suite answers a claim wrongly: simulated suites with looks, none of whose claims has an effect.

    python benchmarks/false_answers.py

Each suite has three claims, which the report tests after 12 and after 24 seeds: that one variant is better than
another, that a mean is at least a bound, and that half of the runs are stable. The differences have a mean of 0, the
mean is at its bound, and the rate is one half, so every answer is wrong. It takes about three minutes.
"""

from __future__ import annotations

import numpy as np

from ganbench.report.analysis.looks import tested
from ganbench.report.analysis.rows import RunRow
from ganbench.results.manifest import Manifest, MetricInfo
from ganbench.results.questions import Claim, Contrast, Level, Part, Questions
from ganbench.stats import wilson

LOOKS, SUITES, SEED = (12, 24), 3000, 0
TESTS = (
    ({}, Contrast(metric="fd", better={"variant": "lsgan"}, worse={"variant": "ns"})),
    ({"variant": ("ns",)}, Level(metric="fd", low=10)),
    ({"variant": ("lsgan",)}, Level(metric="stable", low=0.5)),
)
CLAIMS = tuple(Claim(says="no effect", source="", parts=(Part(test=test, where=where),)) for where, test in TESTS)


def suite(rng: np.random.Generator) -> tuple[list[RunRow], Manifest]:
    """The runs of a suite without an effect, and its manifest."""
    rows = [
        RunRow(
            f"{variant}-{seed}",
            {"variant": variant, "dataset": "digits", "seed": seed},
            "done",
            {"fd": float(rng.normal(10, 1)), "stable": float(rng.integers(2))},
            None,
        )
        for variant in ("ns", "lsgan")
        for seed in range(LOOKS[-1])
    ]
    manifest = Manifest(
        suite="study", version="0", about="", runs={row.run_id: row.columns for row in rows}, marks={}, axes=(),
        select="last", metrics={"fd": MetricInfo("lower")}, scores=(), samples=1, looks=LOOKS,
        questions=Questions(claims=CLAIMS),
    )  # fmt: skip
    return rows, manifest


def main() -> None:
    """Print the share of suites that answer anything, with its interval."""
    rng = np.random.default_rng(SEED)
    by_claim, suites = np.zeros(len(CLAIMS), dtype=np.int64), 0
    for _ in range(SUITES):
        answered = np.array([verdict.answer != "inconclusive" for verdict in tested(*suite(rng))[1]])
        by_claim, suites = by_claim + answered, suites + int(answered.any())
    share = wilson(suites, SUITES)
    print(f"{suites} of {SUITES} suites answer a claim wrongly: {share.mean:.3f} ({share.low:.3f} to {share.high:.3f})")
    print("claims answered:", ", ".join(f"{count}" for count in by_claim))


if __name__ == "__main__":
    main()
