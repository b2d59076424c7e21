"""What a suite asks of its results: outcome, compare and claims, from YAML to values of columns and through JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ganbench.errors import SuiteError
from ganbench.results.questions import (
    Claim,
    Compare,
    Condition,
    Contrast,
    Level,
    OutcomeRule,
    Published,
    Surrogate,
    from_json,
)
from ganbench.runner.run import manifest
from ganbench.stats.outcomes import Thresholds
from ganbench.suite import Changes, Suite, load, schema
from tests.support.claims import claim_of, versus

TEXT = """
name: x
grid:
  variant: [ns, lsgan, {kind: lsgan, a: -1, b: 1, c: 0}]
  dataset: [ring8, digits]
  optimizer: [adam, {kind: rmsprop, lr: 1e-4}]
  seed: 7
train: {steps: 100}
evaluate: {with: [modes, class_modes, {kind: fid, features: classifier}]}
outcome:
  good: {ring8: {metric: hq, at_least: 0.6}, default: [{metric: fd_classifier, at_most: 5, ratio: 2}]}
  diverse:
    ring8: {metric: modes, at_least: 7}
    default: [{metric: class_kl_uniform, drop: 0.1}, {metric: class_modes, at_least: 9}]
compare: [{axis: variant, metric: stable, baseline: ns, where: {optimizer: rmsprop}, pooled: true}]
claims:
  - says: Pearson's labels are better
    source: a paper
    where: {optimizer: adam, dataset: [ring8, digits]}
    compare: {axis: variant, better: {kind: lsgan, a: -1}, worse: lsgan, metric: stable}
    published: {better: [0.5, 0.1], worse: 0}
  - {says: near, source: it, where: {variant: ns}, value: {metric: fd_classifier, is: 3, within: 2}}
  - {says: often, source: it, value: {metric: stable, at_least: 0.5}}
  - {says: alike, source: it, compare: {axis: variant, same: [ns, lsgan], within: 3, metric: modes}}
  - {says: apart, source: it, compare: {axis: optimizer, better: adam, worse: rmsprop, metric: modes, paired: false}}
  - says: one often and the other never, and the modes go with it
    source: it
    where: {dataset: digits}
    surrogate: "digits for LSUN bedrooms"
    answerable: no
    because: three seeds can show nothing
    all:
      - {where: {variant: ns, optimizer: adam}, value: {metric: stable, at_least: 0.75}, published: {value: 1}}
      - {where: {variant: ns}, compare: {better: {optimizer: adam, batchnorm: none},
         worse: {optimizer: rmsprop, batchnorm: none}, metric: fd_classifier}, published: {better: 3, worse: 9}}
      - {compare: {same: [{variant: ns, optimizer: adam}, {variant: {kind: lsgan, a: -1}, optimizer: rmsprop}],
         within: 2, metric: fd_classifier}}
differs: ["Our images are smaller.", We train for fewer steps.]
"""


def loaded(folder: Path, text: str = TEXT, changes: Changes | None = None) -> Suite:
    path = folder / "suite.yaml"
    path.write_text(text)
    return load(path, changes)


def test_words_become_values_of_columns(tmp_path: Path) -> None:
    asked = loaded(tmp_path).questions
    assert asked.outcome == {
        "ring8": OutcomeRule(
            good=(Condition("hq", Thresholds(limit=0.6)),), diverse=(Condition("modes", Thresholds(limit=7)),)
        ),
        "digits": OutcomeRule(
            good=(Condition("fd_classifier", Thresholds(limit=5, ratio=2)),),
            diverse=(
                Condition("class_kl_uniform", Thresholds(drop=0.1)),
                Condition("class_modes", Thresholds(limit=9)),
            ),
        ),
    }
    where = {"optimizer": ("rmsprop[lr=0.0001]",)}
    assert asked.compare == (Compare(axis="variant", metric="stable", baseline="ns", where=where, pooled=True),)
    pearson, near, often, alike, apart, whole = asked.claims
    assert pearson == claim_of(
        versus("lsgan[a=-1,c=0]", "lsgan", "stable"),
        says="Pearson's labels are better",
        source="a paper",
        where={"optimizer": ("adam",), "dataset": ("ring8", "digits")},
        published={"better": Published(0.5, 0.1), "worse": Published(0)},
    )
    assert only_test(near) == Level(metric="fd_classifier", low=1, high=5)
    assert only_test(often) == Level(metric="stable", low=0.5)
    assert only_test(alike) == versus("ns", "lsgan", "modes", within=3)
    rmsprop = "rmsprop[lr=0.0001]"
    better, worse = {"optimizer": "adam"}, {"optimizer": rmsprop}
    assert only_test(apart) == Contrast(metric="modes", better=better, worse=worse, paired=False)
    assert (whole.surrogate, whole.unanswerable) == (
        Surrogate("digits", "LSUN bedrooms"),
        "three seeds can show nothing",
    )
    assert asked.differs == ("Our images are smaller.", "We train for fewer steps.")
    level, contrast, same = whole.parts
    assert level.where == {"dataset": ("digits",), "variant": ("ns",), "optimizer": ("adam",)}
    assert (level.test, level.published_effect) == (Level(metric="stable", low=0.75), 1)
    cells = [{"optimizer": name, "batchnorm": "none"} for name in ("adam", rmsprop)]
    assert contrast.test == Contrast(metric="fd_classifier", better=cells[0], worse=cells[1])
    assert (contrast.where, contrast.published_effect) == ({"dataset": ("digits",), "variant": ("ns",)}, -6)
    ns, lsgan = ({"variant": "ns", "optimizer": "adam"}, {"variant": "lsgan[a=-1,c=0]", "optimizer": rmsprop})
    assert same.test == Contrast(metric="fd_classifier", better=ns, worse=lsgan, within=2)
    assert same.published_effect is None


def only_test(claim: Claim) -> Contrast | Level:
    """The test of the only part of a claim."""
    (part,) = claim.parts
    return part.test


def test_the_manifest_keeps_them(tmp_path: Path) -> None:
    suite = loaded(tmp_path)
    assert from_json(json.loads(json.dumps(manifest(suite).as_json()))) == suite.questions
    assert from_json({}).claims == ()


def test_the_rule_of_an_old_manifest_is_that_of_a_good_run() -> None:
    """Version 0.1 listed the conditions of a stable run, each with the share of the marks that decided."""
    old = [{"metric": "fd", "rule": {"limit": 30, "ratio": 2, "drop": None, "tail": 0.5}}]
    rule = OutcomeRule(good=(Condition("fd", Thresholds(limit=30, ratio=2)),), tail=0.5)
    assert from_json({"outcome": {"digits": old}}).outcome == {"digits": rule}
    endings = [
        rule.ending("done", (1, 2, 3), {"fd": dict(enumerate(values, 1))}, {"fd": "lower"})
        for values in ([40, 20, 20], [20, 50, 60], [90, 80, 70])
    ]
    assert [ending.kind for ending in endings if ending] == ["stable", "collapsed", "never_good"]


def test_another_grid_may_lack_what_a_claim_names(tmp_path: Path) -> None:
    asked = loaded(tmp_path, changes=Changes(set=("grid.variant=[ns, wgan]",))).questions
    assert only_test(asked.claims[0]) == versus("{kind: lsgan, a: -1}", "lsgan", "stable")


OLD = {
    "says": "LSGAN is better",
    "source": "a paper",
    "where": {"dataset": ["digits"]},
    "published": {"better": {"value": 0.5, "error": None}},
    "test": {
        "axis": "variant",
        "metric": "modes",
        "better": "lsgan",
        "worse": "ns",
        "within": None,
        "paired": True,
    },
}


def test_a_manifest_of_format_1_is_read() -> None:
    level = {"metric": "stable", "low": 0.5, "high": None}
    contrast, value = from_json({"claims": [OLD, {**OLD, "test": level, "published": {}}]}).claims
    assert contrast == claim_of(
        versus("lsgan", "ns", "modes"),
        says="LSGAN is better",
        source="a paper",
        where={"dataset": ("digits",)},
        published={"better": Published(0.5)},
    )
    assert only_test(value) == Level(metric="stable", low=0.5)


def test_the_schema_knows_them(tmp_path: Path) -> None:
    validator = Draft202012Validator(schema())
    assert list(validator.iter_errors(YAML(typ="safe", pure=True).load(TEXT))) == []
    for good, bad in (
        ("at_least: 7", "least: 7"),
        ("says: often, ", ""),
        ("drop: 0.1", "drop: -1"),
        ("d: false", "d: 3"),
    ):
        assert good in TEXT
        assert list(validator.iter_errors(YAML(typ="safe", pure=True).load(TEXT.replace(good, bad)))) != []


OWN = '''
from dataclasses import dataclass
from typing import ClassVar

from ganbench.evaluators.base import Evaluator, Metric, Score


@dataclass(frozen=True, kw_only=True)
class Spread(Evaluator):
    """The standard deviation of the samples."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    def metrics(self):
        return (Metric("spread", "higher", low=0, diversity=DIVERSITY, unit="pixels"),)

    def needs(self):
        return ()

    def unsupported(self, space, samples, modes):
        return None

    def __call__(self, fake, real, rng):
        return {"spread": Score(fake.x.double().std().item(), None, len(fake), 0, {})}
'''
OWN_SUITE = """
name: own
grid: {variant: ns, dataset: ring8, seed: 1}
train: {steps: 100}
evaluate: {with: [modes, spread]}
outcome: {good: {metric: hq, at_least: 0.6}, diverse: {metric: spread, at_least: 0.1}}
plugins: [spread.py]
"""


@pytest.mark.parametrize("diversity", [True, False])
def test_collapse_is_judged_by_a_plugins_metric_of_diversity(tmp_path: Path, diversity: bool) -> None:
    (tmp_path / "spread.py").write_text(OWN.replace("DIVERSITY", str(diversity)))
    path = tmp_path / "own.yaml"
    path.write_text(OWN_SUITE)
    if diversity:
        own = load(path)
        assert own.questions.outcome["ring8"].diverse == (Condition("spread", Thresholds(limit=0.1)),)
        assert manifest(own).metrics["spread"].unit == "pixels"
        return
    with pytest.raises(SuiteError, match="spread does not measure diversity, as `diverse` needs"):
        load(path)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("at_least: 7", "at_most: 7", "13:28  modes is better when higher; give at_least, not at_most"),
        ("metric: modes, at_least", "metric: mods, at_least", "no ranked metric 'mods'. did you mean 'modes'?"),
        ("drop: 0.1", "marks: last", "diverse has no key 'marks'"),
        ("  good: {ring8", "  stable: {ring8", "`stable` is how suites of version 0.1 were written. give"),
        ("metric: class_kl_uniform, drop: 0.1", "metric: fd_classifier, at_most: 5",
         "fd_classifier does not measure diversity, as `diverse` needs. metrics here that do: modes"),
        ("default: [{metric: fd_classifier, at_most: 5, ratio: 2}]", "glyphs: []", "needs `good` for digits too"),
        ("ratio: 2", "ratio: 0.5", "ratio = 0.5 must be at least 1"),
        (", at_most: 5, ratio: 2", "", "good needs `at_most`, `ratio` or `drop`"),
        ("    ring8: {metric", "    default: {metric", "the key 'default' is given twice"),
        ("{metric: modes, at_least: 7}", "{metric: class_modes, at_least: 7}", "is not measured on ring8"),
        ("axis: variant, metric: stable", "axis: varant, metric: stable", "no axis 'varant' to compare. did you mean"),
        ("metric: stable, baseline", "metric: stale, baseline", "suite has no ranked metric 'stale'. did you mean"),
        ("baseline: ns", "baseline: nss", "no run of this suite has variant nss here. did you mean 'ns'?"),
        ("baseline: ns", "baseline: {kind: lsgan}", "names 2 values of variant: lsgan, lsgan[a=-1,c=0]"),
        ("{optimizer: rmsprop}", "{optimiser: rmsprop}", "where has no key 'optimiser'. did you mean 'optimizer'?"),
        ("pooled: true", "pooled: 3", "pooled = 3 must be true or false"),
        ("source: a paper", "surce: a paper", "a claim needs `source`"),
        ("{kind: lsgan, a: -1}, worse", "lsgan, worse", "both sides are lsgan"),
        ("is: 3, within: 2", "is: 3", "value needs `at_least`, `at_most`, or `is` with `within`"),
        ("[ns, lsgan], within: 3", "[ns, lsgan]", "compare with `same` needs `within`"),
        ("[ns, lsgan], within", "[ns], within", "same names two values"),
        ("paired: false", "paired: never", "paired = never must be true or false"),
        ("within: 3, metric: modes", "within: 3, metric: modes, paired: false", "comparison with `within` needs pairs"),
        ("[0.5, 0.1]", "[0.5, 0.1, 2]", "must be a number, or a number and its error"),
        ("at_least: 0.5", "at_least: half", "at_least = half must be a number"),
        ("at_least: 0.5", "at_least: .inf", "at_least = .inf must be a finite number"),
        ("at_least: 7", "at_least: .nan", "at_least = .nan must be a finite number"),
        ("at_most: 5, ratio: 2", "at_most: 5, ratio: 1e999", "ratio = 1e999 must be a finite number"),
        ("[0.5, 0.1]", "[0.5, -.inf]", "better = -.inf must be a finite number"),
        ("within: 3, metric", "within: .inf, metric", "within = .inf must be a finite number"),
        ("{value: 1}", "{better: 1}", "published has no key 'better'"),
        ("{variant: ns}, compare: {better", "{variant: ns}, compere: {better", "a part has no key 'compere'"),
        ("{variant: ns}, compare: {better", "{dataset: digits}, compare: {better", "a part names no dataset"),
        ("where: {dataset: digits}", "published: {value: 3}", "this key belongs in a part of `all`"),
        ("worse: {optimizer: rmsprop, b", "worse: {optimizer: rmsprop}, _: {b", "both sides must name the same axes"),
        ("worse: {optimizer: rmsprop, b", "worse: {optimizer: adam, b", "both sides are adam, none"),
        ("worse: {optimizer: rmsprop, b", "worse: {optimizer: sgd, b", "has optimizer sgd here"),
        ("worse: {optimizer: rmsprop, b", "worse: {dataset: ring8, b", "worse has no key 'dataset'"),
        ("{axis: optimizer, better: adam", "{better: adam", "compare needs `axis`"),
        ("digits for LSUN bedrooms", "digits", "surrogate must name two data sets. surrogate: digits for"),
        ("answerable: no", "answerable: yes", "answerable = yes must be no"),
        ("answerable: no\n", "\n", "`answerable: no` and its reason `because` belong together"),
        ("We train for fewer steps.", "5", "differs must be text"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_their_place(tmp_path: Path, good: str, bad: str, says: str) -> None:
    assert TEXT.count(good) == 1
    with pytest.raises(SuiteError) as caught:
        loaded(tmp_path, TEXT.replace(good, bad))
    assert says in str(caught.value)


def test_mistakes_of_all_three_sections_come_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("at_least: 7", "at_most: 7").replace(
        "axis: variant, metric: stable, b", "axis: x, metric: y, b"
    )
    with pytest.raises(SuiteError) as caught:
        loaded(tmp_path, text.replace("says: often", "sais: often"))
    assert "5 mistakes; nothing was run." in str(caught.value)


STUDIES = ["stability", "stability-full", "ring", "modes", "likelihood", "ebgan-subgrid", "ebgan-grid"]
STUDIES += ["paper/lsgan-lsun", "paper/stacked-unrolled", "paper/stacked-veegan"]


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_name_what_they_claim(name: str) -> None:
    """Every claim means at least one run of its own suite, and says where it is from."""
    suite = load(Path(__file__).parents[2] / "suites" / f"{name}.yaml")
    columns = [spec.columns() for spec in suite.specs]
    assert suite.questions.claims
    for claim in suite.questions.claims:
        assert re.search(r"(et al\.|and LeCun) \d{4}", claim.source)
        for part in claim.parts:
            meant = [row for row in columns if all(row[axis] in values for axis, values in part.where.items())]
            assert meant, claim
            if isinstance(part.test, Contrast):
                for cell in (part.test.better, part.test.worse):
                    assert any(cell.items() <= row.items() for row in meant), claim
