"""Claims that no outcome of the runs could answer are mistakes, unless they say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import SuiteError
from ganbench.suite import Changes, load

SUITE = """\
name: study
grid: {variant: [ns, lsgan], dataset: ring8, seed: 5}
train: {steps: 2, batch: 8}
evaluate: {samples: 50, with: [modes]}
claims:
  - says: more modes
    source: x
    compare: {axis: variant, better: lsgan, worse: ns, metric: modes}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_five_pairs_are_too_few_and_six_would_do(tmp_path: Path) -> None:
    """The smallest two-sided p of five signed ranks is 2/32, and of six 2/64."""
    with pytest.raises(SuiteError) as caught:
        load(written(tmp_path, SUITE))
    (mistake,) = caught.value.mistakes
    assert mistake.place.endswith("study.yaml:6:5")
    assert "no outcome of 5 seeds could answer this claim on ring8. its smallest p is 0.062" in str(mistake)
    assert "6 seeds would do; or mark it `answerable: no`" in str(mistake)
    assert len(load(written(tmp_path, SUITE.replace("seed: 5", "seed: 6"))).specs) == 12


def test_a_mark_or_a_trial_is_no_mistake(tmp_path: Path) -> None:
    marked = load(written(tmp_path, SUITE + "    answerable: no\n    because: there are five runs\n"))
    assert marked.planned.answerable == ((False,),)
    assert load(written(tmp_path, SUITE.replace("seed: 5", "seed: 6")), Changes(seeds=2)).planned.seeds == (2,)


def test_holm_counts_the_claims_that_cannot_be_answered_before(tmp_path: Path) -> None:
    """Six pairs give 2/64: two such claims would need a p below 0.025, and seven pairs, 2/128, do."""
    second = SUITE.replace("seed: 5", "seed: 6") + SUITE[SUITE.index("  - says") :].replace("more", "again more")
    with pytest.raises(SuiteError, match="7 seeds would do") as caught:
        load(written(tmp_path, second))
    assert len(caught.value.mistakes) == 2
    certain = second.replace("compare: {axis: variant, better: lsgan, worse: ns, metric: modes}",
                             "value: {metric: diverged, at_most: 0.01}", 1)  # fmt: skip
    assert load(written(tmp_path, certain)).planned.answerable == ((True, True),), "six of six diverged: 2e-12"


def test_a_contradiction_is_an_answer(tmp_path: Path) -> None:
    """Five runs cannot show that at most 1 % diverge, but they can contradict it."""
    text = SUITE.replace("compare: {axis: variant, better: lsgan, worse: ns, metric: modes}",
                         "value: {metric: diverged, at_most: 0.01}")  # fmt: skip
    (test,) = load(written(tmp_path, text)).planned.tests[0]
    design = test.parts[0].design
    assert design is not None and design.least[0] > 0.05 > design.least[1]


def test_each_look_has_its_own_runs(tmp_path: Path) -> None:
    suite = load(written(tmp_path, SUITE.replace("seed: 5", "seed: 8") + "looks: [5, 8]\n"))
    assert [test.parts[0].sizes for (test,) in suite.planned.tests] == [(5,), (8,)]
    assert suite.planned.answerable == ((False,), (True,))
    assert suite.planned.levels == pytest.approx((0.05 * 5 / 8, 0.05 * 3 / 8))
