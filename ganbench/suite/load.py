"""Read a suite file: YAML 1.2 in, runs out. All mistakes are reported together, each with its place.

    name: stability
    grid:                                 # a mapping is a cross product; a list of mappings is their union
      variant: [ns, {kind: wgan_gp, gp_weight: [1, 10]}]    # a list inside a component is an axis too
      dataset: [ring8, digits]
      seed: 10                            # the seeds 0 to 9; a list is taken as it is
    train: {steps: {ring8: 6000, default: 1500}, batch: 64}
    evaluate: {every: 500, samples: 1000, with: [modes, {kind: fid, features: classifier}]}

`docs/reference/suite-file.md` describes every section. Each section is read by a module of this package; what `load`
returns is complete, so that nothing about a suite is decided or read later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ganbench.errors import RequestError
from ganbench.plugins import Registry
from ganbench.results.looks import look_of_runs
from ganbench.results.names import why_no_name
from ganbench.results.planned import PlannedClaims
from ganbench.results.questions import OutcomeRule, Questions
from ganbench.spec import GRID_AXES, RunSpec, varying
from ganbench.suite.answerable import check_answerable, planned_claims
from ganbench.suite.changes import Changes, changed, kept, seed_note
from ganbench.suite.evaluation import Evaluation, check_marks, own_metrics, read_evaluation, read_select
from ganbench.suite.grid import SuiteGrid, need_steps, read_blocks, read_datasets, read_train
from ganbench.suite.inclusion import INCLUDE, with_included
from ganbench.suite.looks import DraftLooks, read_looks
from ganbench.suite.nodes import Mistakes, Node, read
from ganbench.suite.outcome import read_outcome
from ganbench.suite.questions import DraftQuestions, read_questions
from ganbench.suite.rules import Excluded, ExclusionRule, check_used, read_rules, sorted_out
from ganbench.suite.values import LONGEST_NAME, mapping

QUESTIONS = ("outcome", "compare", "claims", "differs", "foretell", "looks", "looked_at")
KEYS = ("name", "about", INCLUDE, "grid", "exclude", "train", "evaluate", "select", "plugins", *QUESTIONS)


@dataclass(frozen=True)
class Suite:
    """A suite, expanded. `specs` and `excluded` hold each run once, in the file's order."""

    name: str
    about: str
    path: Path
    specs: tuple[RunSpec, ...]
    excluded: tuple[Excluded, ...]
    evaluation: Evaluation
    select: str
    axes: tuple[str, ...]  # of the grid, on which the runs have more than one value
    plugins: tuple[Path, ...]
    questions: Questions
    looks: tuple[int, ...] = ()  # the numbers of seeds after which claims are tested; empty: after all
    note: str = ""  # what a flag takes, for the user
    narrowed_from: Suite | None = None  # the suite of which `--only` kept a part
    written: Node | None = field(default=None, compare=False, repr=False)  # as it was read, before any change

    def __repr__(self) -> str:
        return f"Suite({self.name!r}, {len(self.specs)} runs, {len(self.excluded)} excluded)"

    @property
    def whole(self) -> Suite:
        """The suite without `--only`."""
        return self.narrowed_from or self

    @property
    def planned(self) -> PlannedClaims:
        """The tests that the claims will have, also with `--only`: claims are about the whole suite."""
        return planned_claims(self.whole.specs, self.whole.evaluation, self.questions, self.looks)

    @property
    def by_look(self) -> tuple[tuple[RunSpec, ...], ...]:
        """The runs of each look; all together in a suite without looks."""
        places = look_of_runs({spec.run_id(): spec.columns() for spec in self.whole.specs}, self.looks)
        looks = range(max(1, len(self.looks)))
        return tuple(tuple(spec for spec in self.specs if places[spec.run_id()] == look) for look in looks)

    def part(self, specs: Iterable[RunSpec]) -> Suite:
        """The suite with some of its runs, without the excluded ones."""
        return replace(self, specs=tuple(specs), excluded=(), narrowed_from=self.whole)


@dataclass(frozen=True, eq=False)
class Draft:
    """A suite that was read and checked, but not expanded."""

    top: dict[str, Node]
    grid: SuiteGrid
    evaluation: Evaluation
    select: str
    rules: tuple[ExclusionRule, ...]
    plugins: tuple[Path, ...]
    outcome: Mapping[str, OutcomeRule]
    questions: DraftQuestions
    looks: DraftLooks


def load(path: Path, changes: Changes | None = None, data_root: Path | None = None) -> Suite:
    """Read, check and expand a suite file. `data_root` is the folder of the datasets (`GANBENCH_DATA`).

    The files of datasets that are known by their content are hashed here, and nowhere later.
    Raises `SuiteError` with all mistakes, or `RequestError` for a file that can't be read or for a wrong `--only`.
    """
    mistakes = Mistakes()
    return expand(read(path, mistakes), path, changes or Changes(), data_root, mistakes)


def expand(own: Node, path: Path, changes: Changes, data_root: Path | None, mistakes: Mistakes) -> Suite:
    """The suite that a tree of nodes describes, with changes. Relative paths start at the folder of `path`.

    Raises as `load` does.
    """
    own = with_included(own, path.parent, mistakes)
    tree = changed(own, changes, mistakes)
    draft = _draft(tree, path.parent, data_root, mistakes)
    mistakes.stop()
    specs, excluded = sorted_out(draft.grid.cells(mistakes), draft.rules, draft.grid.datasets)
    runs = (*specs, *(run.spec for run in excluded))
    _check_runs(draft, (specs, runs), changes, mistakes)
    compare, claims = draft.questions.resolved(runs, None if changes.grid else mistakes)
    if not specs:
        mistakes.at(draft.top["grid"], "every run is excluded", excluded[0].because)
    mistakes.stop()
    asked = draft.questions
    questions = Questions(
        outcome=draft.outcome, compare=compare, claims=claims, differs=asked.differs, foretell=asked.foretell
    )
    suite = _suite(path, draft, (specs, excluded), questions, seed_note(own, tree, changes))
    suite = replace(suite, written=own)
    if not changes.grid:  # a part of the seeds is a trial
        check_answerable(suite.planned, [claim.node for claim in draft.questions.claims], mistakes)
        mistakes.stop()
    return _narrowed(suite, changes.only) if changes.only else suite


def _suite(
    path: Path, draft: Draft, runs: tuple[tuple[RunSpec, ...], tuple[Excluded, ...]], questions: Questions, note: str
) -> Suite:
    """The suite of a draft. `runs`: those to do, and the excluded ones."""
    specs, excluded = runs
    every = (*specs, *(run.spec for run in excluded))
    named = {axis for block in draft.grid.blocks for axis in block}
    return Suite(
        name=str(draft.top["name"].value),
        about=str(draft.top["about"].value) if "about" in draft.top else "",
        path=path,
        specs=specs,
        excluded=excluded,
        evaluation=draft.evaluation.on({spec.dataset.notation() for spec in every}),
        select=draft.select,
        axes=varying((spec.columns() for spec in every), (axis for axis in GRID_AXES if axis in named)),
        plugins=draft.plugins,
        questions=questions,
        looks=draft.looks.looks,
        note=note,
    )


def _check_runs(
    draft: Draft, runs: tuple[Sequence[RunSpec], Sequence[RunSpec]], changes: Changes, mistakes: Mistakes
) -> None:
    """Note what is wrong about the runs. `runs`: those to do, and all with the excluded ones."""
    check_marks(draft.top.get("evaluate", draft.top["grid"]), draft.evaluation, runs[0], mistakes)
    draft.looks.check(runs[0], changes, mistakes)
    if not changes.grid:
        check_used(draft.rules, runs[1], mistakes)


def _narrowed(suite: Suite, only: Sequence[str]) -> Suite:
    """The part of a suite that `--only` keeps. Raises `RequestError` for an axis or a value that no run has."""
    runs = (*suite.specs, *(excluded.spec for excluded in suite.excluded))
    keeps = kept(runs, only)
    rest = tuple(filter(keeps, runs))
    return replace(
        suite,
        specs=tuple(filter(keeps, suite.specs)),
        excluded=tuple(excluded for excluded in suite.excluded if keeps(excluded.spec)),
        evaluation=suite.evaluation.on({spec.dataset.notation() for spec in rest}),
        axes=varying((spec.columns() for spec in rest), suite.axes),
        narrowed_from=suite,
    )


def _draft(tree: Node, folder: Path, data_root: Path | None, mistakes: Mistakes) -> Draft:
    """Read every section, whatever mistakes the others have."""
    top, nothing = _sections(tree, mistakes), replace(tree, value={})
    registry, plugins = _plugins(top.get("plugins"), folder, mistakes)
    blocks = read_blocks(top["grid"], registry, mistakes) if "grid" in top else ()
    blocks, datasets = read_datasets(blocks, data_root, mistakes)
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
    questions = read_questions(top, evaluation.metrics, "outcome" in top, mistakes)
    grid = SuiteGrid(blocks, defaults, datasets, registry)
    looks = read_looks(top, mistakes)
    return Draft(top, grid, evaluation, select, rules, plugins, outcome, questions, looks)


def _sections(tree: Node, mistakes: Mistakes) -> dict[str, Node]:
    """The sections of a suite file. It notes unknown and missing keys, and a wrong name or description."""
    top = mapping(tree, "a suite", KEYS, mistakes)
    if not isinstance(tree.value, dict):
        mistakes.stop()
    for key in ("name", "grid"):
        if key not in top:
            mistakes.at(tree, f"a suite needs `{key}`")
    if INCLUDE in top:
        mistakes.at(top[INCLUDE], "a change can't include a file", "write the key into the suite")
    name, about = top.get("name"), top.get("about")
    rule = why_no_name(name.value if isinstance(name.value, str) else "", LONGEST_NAME) if name else ""
    if name and rule:
        mistakes.at(name, f"name = {name.text[:LONGEST_NAME]} can't name a suite", rule)
    if about and not isinstance(about.value, str):
        mistakes.at(about, f"about = {about.text} must be text")
    return top


def _plugins(node: Node | None, folder: Path, mistakes: Mistakes) -> tuple[Registry, tuple[Path, ...]]:
    """The components that the suite can name, and the files of the user's own components."""
    registry, paths = Registry.of(), []
    for item in node.items if node else ():
        if not isinstance(item.value, str):
            mistakes.at(item, f"plugins = {item.text} must be a Python or TorchScript file", "plugins: [my_gan.py]")
            continue
        try:
            paths.append(item.source.path(item.value, folder).resolve())
            registry = registry.with_file(paths[-1])
        except (OSError, RuntimeError) as error:  # a circle of links, or a name that is too long
            mistakes.at(item, f"{item.text} can't be opened: {error}", "plugins: [my_gan.py]")
        except RequestError as error:
            mistakes.at(item, f"{item.value}: {error.given}", error.allowed, error.todo)
    return registry, tuple(paths)
