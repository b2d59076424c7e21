"""`with: [standard]`: the set of metrics that papers report today, each where the data allow it."""

from __future__ import annotations

from pathlib import Path

from ganbench.suite import load

SUITE = """
name: s
grid: {variant: ns, dataset: DATASET, optimizer: adam}
train: {steps: 1, batch: 4}
evaluate: {samples: 50, with: [standard]}
"""


def test_what_does_not_fit_the_data_is_skipped_with_a_reason(tmp_path: Path) -> None:
    for dataset, wanted in (
        ("ring8", {"modes", "wasserstein"}),
        ("digits", {"fid", "fid[features=dinov2]", "kid", "inception_score", "precision_recall", "wasserstein"}),
    ):
        path = tmp_path / f"{dataset}.yaml"
        path.write_text(SUITE.replace("DATASET", dataset))
        suite = load(path)
        chosen = {one.notation() for one in suite.evaluation.evaluators_for(suite.specs[0])}
        assert wanted <= chosen, chosen
        assert all(skip.because for skip in suite.evaluation.skipped)
