"""A suite file: YAML 1.2 in, runs out; every mistake at once, each in its place.

    name: stability                       # letters, digits, . _ -
    about: Which objectives stay stable?
    grid:                                 # a mapping is a cross product; a list of mappings is their union
      variant: [ns, {kind: wgan_gp, gp_weight: [1, 10]}]    # a list inside is an axis too
      dataset: [ring8, digits]
      seed: 10                            # 0 .. 9; a list is taken as it is
    train: {steps: {ring8: 6000, default: 1500}, batch: 64}
    evaluate: {every: 500, samples: 1000, with: [modes, {kind: fid, features: [pixels, classifier]}]}
    exclude: [{where: {dataset: ring8, variant: wgan_gp}, because: why}]
    select: last                          # last | tail | best:METRIC
    plugins: [my_gan.py]                  # a user's own components, beside the suite file
    outcome: {stable: {ring8: {metric: modes, at_least: 7, marks: tail}, digits: {metric: fd_classifier, at_most: 9}}}
    compare: [{axis: variant, metric: stable, baseline: ns}]
    claims:
      - says: LSGAN beats the regular GAN without batch norm    # in your words
        source: "Mao et al. 2017, section 4.2"
        where: {batchnorm: none, dataset: ring8}
        compare: {axis: variant, better: lsgan, worse: ns, metric: stable}
        published: {better: 0.5, worse: 0}

- **Axes** of a grid: variant, dataset, network, batchnorm, optimizer, schedule, batch, steps, seed. A component is a
  kind or a mapping with `kind` and options. A list inside a component multiplies; where an option is itself a list, a
  list is its value and a list of lists multiplies. `schedule` is an order or a mapping of `Schedule`'s fields.
  `batchnorm` sets the network's field.
- **train** gives one value for an axis that the grid leaves open (all but variant, dataset and seed). What neither
  says: network `mlp` for points and `dcgan` for images (or the dataset's own default), optimizer `adam`, schedule
  `d_first`, batch 64, seed 0. `steps` has no default.
- **Per dataset**: every value in `train`, and `evaluate.every`, may be a mapping from a dataset's kind or notation to a
  value, with `default` for the others: `network: {ring8: {kind: mlp, z: 2}, default: dcgan}`.
- **evaluate**: `every` is in steps (without it only the last step is scored), `samples` is 1000 unless said.
  `budget: 0.2` leaves out marks, never the last, so that evaluation takes no more than that share of the wall time.
  Lists inside an evaluator are several evaluators. One that can't score a dataset is skipped there, with its reason.
- **exclude**: `where` names axes; a value is a kind, a notation, a number, a mapping of fields, or a list of these (any
  of them). A rule that matches no run is a mistake. Cells to which a component objects are left out with its reason.
- **outcome**: `stable` is a condition or a list of them, all of which a stable run meets; it may be given per dataset.
  A value is good when it keeps `at_least` or `at_most` (whichever suits the metric), is no more than `ratio` times, and
  no more than `drop`, worse than the run's best so far. `marks` (last, tail = the last fifth, all, or a share)
  are those that decide; a run is collapsed where more than half of them are bad.
- **compare**: every value of `axis` against `baseline`, paired by seed, in each setting of the other axes, or over all
  of them with `pooled: true`; `where` narrows it. `metric` may be a rate: stable, collapsed or diverged.
- **claims**: `says` and `source`, `where` it holds, and one test. `compare` names `better` and `worse`, or two that are
  the `same` to `within` a difference; `value` is the mean over seeds, or a rate, and says `at_least`, `at_most`, or
  `is` and `within`. `published` is a number or `[number, error]` for `better` and `worse`, or for `value`. A claim
  is tested on each dataset by itself. A word in `where` and the others is a notation if a run has it, else a kind.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.errors import RequestError
from ganbench.plugins import Registry
from ganbench.results.questions import Condition, Questions
from ganbench.spec import AXES, RunSpec
from ganbench.suite.asked import Asked, read_asked
from ganbench.suite.changes import Changes, changed, kept
from ganbench.suite.evaluation import Evaluation, Skipped, own_metrics, read_evaluation, read_select
from ganbench.suite.grid import Grid, need_steps, read_blocks, read_spaces, read_train
from ganbench.suite.json_schema import schema
from ganbench.suite.nodes import Mistakes, Node, read
from ganbench.suite.outcome import read_outcome
from ganbench.suite.rules import Excluded, Rule, check_used, read_rules, sorted_out
from ganbench.suite.values import NAME, mapping

__all__ = ["Changes", "Evaluation", "Excluded", "Skipped", "Suite", "load", "schema"]

KEYS = ("name", "about", "grid", "exclude", "train", "evaluate", "select", "plugins", "outcome", "compare", "claims")


@dataclass(frozen=True)
class Suite:
    """A suite, expanded. `specs` and `excluded` hold each run once, in the file's order; `axes` are those that vary."""

    name: str
    about: str
    path: Path
    specs: tuple[RunSpec, ...]
    excluded: tuple[Excluded, ...]
    evaluation: Evaluation
    select: str
    axes: tuple[str, ...]
    plugins: tuple[Path, ...]
    questions: Questions
    narrowed_from: Suite | None = None  # the suite of which `--only` kept a part

    @property
    def whole(self) -> Suite:
        """The suite without `--only`."""
        return self.narrowed_from or self


@dataclass(frozen=True, eq=False)
class Draft:
    """A suite as it is written, checked but not expanded."""

    top: dict[str, Node]
    grid: Grid
    evaluation: Evaluation
    select: str
    rules: tuple[Rule, ...]
    plugins: tuple[Path, ...]
    outcome: Mapping[str, tuple[Condition, ...]]
    asked: Asked


def load(path: Path, changes: Changes | None = None, data_root: Path | None = None) -> Suite:
    """Read, check and expand a suite file. `data_root` is the folder of the datasets (`GANBENCH_DATA`).

    Raises `SuiteError` with every mistake at once, `RequestError` for a file that can't be read or a bad `--only`.
    """
    changes, mistakes = changes or Changes(), Mistakes()
    draft = _draft(changed(read(path, mistakes), changes, mistakes), path.parent, data_root, mistakes)
    mistakes.stop()
    specs, excluded = sorted_out(draft.grid.cells(mistakes), draft.rules, draft.grid.datasets)
    every = (*specs, *(one.spec for one in excluded))
    if not changes.grid:
        check_used(draft.rules, every, mistakes)
    compare, claims = draft.asked.resolved(every, None if changes.grid else mistakes)
    if not specs:
        mistakes.at(draft.top["grid"], "every run is excluded", excluded[0].because)
    mistakes.stop()
    suite = Suite(
        name=str(draft.top["name"].value),
        about=str(draft.top["about"].value) if "about" in draft.top else "",
        path=path,
        specs=specs,
        excluded=excluded,
        evaluation=draft.evaluation.on({spec.dataset.notation() for spec in every}),
        select=draft.select,
        axes=_varying({axis for block in draft.grid.blocks for axis in block}, every),
        plugins=draft.plugins,
        questions=Questions(outcome=draft.outcome, compare=compare, claims=claims),
    )
    return _narrowed(suite, changes.only) if changes.only else suite


def _narrowed(suite: Suite, only: Sequence[str]) -> Suite:
    """The part of a suite that `--only` keeps. Raises `RequestError` for an axis or a value that no run has."""
    every = (*suite.specs, *(excluded.spec for excluded in suite.excluded))
    keeps = kept(every, only)
    rest = tuple(filter(keeps, every))
    return replace(
        suite,
        specs=tuple(filter(keeps, suite.specs)),
        excluded=tuple(excluded for excluded in suite.excluded if keeps(excluded.spec)),
        evaluation=suite.evaluation.on({spec.dataset.notation() for spec in rest}),
        axes=_varying(suite.axes, rest),
        narrowed_from=suite,
    )


def _draft(tree: Node, folder: Path, data_root: Path | None, mistakes: Mistakes) -> Draft:
    """Read every section, however many mistakes there are."""
    top, nothing = _sections(tree, mistakes), replace(tree, value={})
    registry, plugins = _plugins(top.get("plugins"), folder, mistakes)
    blocks = read_blocks(top["grid"], registry, mistakes) if "grid" in top else ()
    blocks, datasets = read_spaces(blocks, data_root, mistakes)
    names = (*registry.names("dataset"), *datasets)
    train = top.get("train", nothing)
    defaults = read_train(train, blocks, names, registry, mistakes)
    need_steps(train, blocks, defaults, mistakes)
    variants = (choice.value for block in blocks for choice in block.get("variant", ()))
    evaluation = read_evaluation(top.get("evaluate", nothing), datasets, names, registry, mistakes)
    evaluation = replace(evaluation, own=own_metrics(variants))
    select = read_select(top["select"], evaluation, mistakes) if "select" in top else "last"
    rules = read_rules(top["exclude"], mistakes) if "exclude" in top else ()
    outcome = read_outcome(top["outcome"], evaluation, datasets, names, mistakes) if "outcome" in top else {}
    asked = read_asked(top, evaluation.metrics, bool(outcome), mistakes)
    grid = Grid(blocks, defaults, datasets, registry)
    return Draft(top, grid, evaluation, select, rules, plugins, outcome, asked)


def _sections(tree: Node, mistakes: Mistakes) -> dict[str, Node]:
    """The sections of a suite file, with the mistakes of its first level."""
    top = mapping(tree, "a suite", KEYS, mistakes)
    if not isinstance(tree.value, dict):
        mistakes.stop()
    for key in ("name", "grid"):
        if key not in top:
            mistakes.at(tree, f"a suite needs `{key}`")
    name, about = top.get("name"), top.get("about")
    if name and not (isinstance(name.value, str) and re.search(NAME, name.value)):
        mistakes.at(name, f"name = {name.text} can't name a suite", "a word of letters, digits, '.', '_' and '-'")
    if about and not isinstance(about.value, str):
        mistakes.at(about, f"about = {about.text} must be text")
    return top


def _plugins(node: Node | None, folder: Path, mistakes: Mistakes) -> tuple[Registry, tuple[Path, ...]]:
    """The components that the suite can name, and the files of the user's own."""
    registry, paths = Registry.of(), []
    for item in node.items if node else ():
        if not isinstance(item.value, str):
            mistakes.at(item, f"plugins = {item.text} must be a Python file", "plugins: [my_gan.py]")
            continue
        paths.append((folder / item.value).resolve())
        try:
            registry = registry.with_file(paths[-1])
        except RequestError as error:
            mistakes.at(item, f"{item.value}: {error.given}", error.allowed, error.todo)
    return registry, tuple(paths)


def _varying(named: Container[str], specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The named axes on which the runs have more than one value."""
    columns = [spec.columns() for spec in specs]
    return tuple(axis for axis in AXES if axis in named and len({row[axis] for row in columns}) > 1)
