"""The architecture: imports point one way, heavy libraries stay in their packages, and files stay small.

Every rule is one test that reads the whole package with `ast` and lists all offenders. Two rules look at what is really
imported: one starts the command, the other asks the registry for the names of the variants.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

import ganbench
from ganbench.plugins import Registry

ROOT = Path(ganbench.__file__).parent
FAMILIES = frozenset(
    ["variants", "penalties", "augmentations", "datasets", "networks", "optimizers", "evaluators", "executors"]
)
SMALL = FAMILIES - {"datasets", "evaluators", "executors"}  # they need the least

# What breaks a rule today and is being changed. A fixed offender must leave this list; nothing may be added to it.
UNFINISHED: dict[str, set[str]] = {}

# From the top to the ground. A package imports packages of later rows only, except for what BESIDE allows.
LAYERS = (
    ("__main__", "__init__"),
    ("cli",),
    ("api",),
    ("tuning", "tracking", "samples", "parity", "report"),
    ("executors",),
    ("runner",),
    ("testing",),  # the checks of components, which the dry pass uses
    ("training", "features"),
    ("suite", "results", "stats"),
    ("variants", "penalties", "augmentations", "datasets", "networks", "optimizers", "evaluators"),
    ("base",),  # the `base` module of every family: its types
    ("plugins",),
    ("guard",),
    ("component",),
    ("spec", "rng"),
    ("annealing",),
    ("errors", "text"),
)
BESIDE = {"suite": {"results", "stats"}, "results": {"stats"}}
# Packages that need less than their layer allows.
NARROW = {
    "report": {"results", "stats", "base", "spec", "errors", "text"},
    "tracking": {"results", "spec", "errors"},
    "results": {"stats", "base", "spec", "errors"},
    "stats": set[str](),
    "training": {"base", "guard", "spec", "rng", "annealing", "errors"},
    "features": {"datasets", "evaluators", "results", "base", "guard", "component", "spec", "rng", "errors"},
    "executors": {"runner", "results", "base", "component", "errors"},
    **{family: {"base", "component", "spec", "rng"} for family in SMALL},
    "datasets": {"base", "component", "rng", "errors"},
    "evaluators": {"base", "component", "rng", "errors"},
    "base": {"component", "spec", "errors"},
    "plugins": {"guard", "component", "spec", "errors"},
    "component": {"spec", "annealing", "errors", "text"},
    "spec": {"annealing", "errors", "text"},
    "annealing": {"text"},
    "rng": set[str](),
}
# An import for type checkers may point up only here: the types that describe a run, and those that start a worker.
TYPES_UPWARD = {("spec", "base"), ("component", "base"), ("runner", "executors")}

ROOMS: dict[str, set[str]] = {  # a library, and the packages or modules that may import it
    "pydantic": {"suite"},
    "pydantic_core": {"suite"},
    "ruamel": {"suite"},
    "mlflow": {"tracking"},
    "tensorboard": {"tracking.tensorboard"},
    "ray": {"executors.parts.ray_cluster"},
    "submitit": {"executors.slurm"},
    "click": {"cli"},
    "rich": {"cli", "api"},
    "optuna": {"tuning"},
    "sklearn": {"datasets", "evaluators", "features"},
    "torchvision": {"datasets"},
    "torch_fidelity": {"features", "evaluators"},
    "lmdb": {"datasets"},
    "scipy": {"stats", "evaluators"},
    "pandas": {"results", "report", "api"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "PIL": {"datasets", "features", "results", "report"},  # features: published protocols resize by it
    "pickle": set(),
    "joblib": set(),
    "random": {"guard"},  # they watch its state
}
TORCH = ("torch", "torchvision", "torch_fidelity")
WITHOUT_TORCH = {
    *("cli", "report", "tracking", "results", "stats", "errors", "text", "annealing", "spec", "component", "plugins"),
    *("executors.base", "executors.local", "executors.parts.process", "executors.ray", "executors.slurm"),
    *("runner.devices", "runner.events", "runner.job", "runner.plan", "runner.settings"),
}
WITH_TORCH = {"results.tensors", "results.pictures"}
HEAVY = {*TORCH, "numpy", "scipy", "pandas", "mlflow", "pydantic", "ruamel", "sklearn", "PIL", "rich", "matplotlib"}

# Where a variant may be named outside `variants/`, and why. A `source` cites papers and is not read.
VARIANTS_NAMED = {
    "networks": {"lsgan", "lapgan", "ebgan"},  # a paper's networks are named like its objective
    "penalties": {"r1"},  # a term and an objective of the same name
    "evaluators": {"veegan", "ali"},  # two published ways to count modes
    "parity": {"EBGAN", "LSGAN", "unrolled"},  # whose code a case is compared with
    "suite": {"lsgan", "ns"},  # the example in a message
    "testing": {"ns", "NonSaturating"},  # the run that the checks vary
}
ENGLISH = {"began"}


@dataclass(frozen=True)
class Import:
    """One import: which module, and when: as the file is imported, within a function, or for type checkers only."""

    module: str
    when: Literal["top", "late", "types"]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def named(path: Path) -> str:
    """`evaluators.fid`, `suite`, and `__init__` for ganbench itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def is_within(module: str, places: Iterable[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


MODULES = {named(path): path for path in sorted(ROOT.rglob("*.py"))}


def package(module: str) -> str:
    """The part of the architecture that a module belongs to: its folder, `base`, or a loose module itself."""
    first, _, rest = module.partition(".")
    return "base" if first in FAMILIES - {"executors"} and rest == "base" else first


@cache
def imports(module: str) -> tuple[Import, ...]:
    """What a module of ganbench imports; names within ganbench without its prefix."""
    return tuple(_walk(parsed(MODULES[module]), "top"))


def _walk(node: ast.AST, when: Literal["top", "late", "types"]) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(_own(alias.name), when) for alias in names)
            case ast.ImportFrom(module=str(source), names=names, level=0):
                parts = [_own(f"{source}.{alias.name}") for alias in names]
                yield from (Import(part if part in MODULES else _own(source), when) for part in parts)
            case ast.ImportFrom():
                raise AssertionError("a relative import hides where it points")
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _walk(child, "types")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _walk(child, "late" if when == "top" else when)
            case _:
                yield from _walk(child, when)


def _own(module: str) -> str:
    """`store` for `ganbench.results.store`, `__init__` for `ganbench`, and `torch.nn` as it is."""
    return "__init__" if module == "ganbench" else module.removeprefix("ganbench.")


def own_imports() -> Iterator[tuple[str, Import]]:
    """Every import of a module of ganbench by another, `ganbench` itself (its version) aside."""
    for module in MODULES:
        for imported in imports(module):
            if imported.module in MODULES and imported.module not in (module, "__init__"):
                yield module, imported


@cache
def brought(module: str) -> frozenset[str]:
    """Every module, of ganbench or not, that importing one brings along (packages above it included)."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            above = name.rpartition(".")[0]
            todo += [above] if above else []
            todo += [imported.module for imported in imports(name) if imported.when == "top"]
    return frozenset(seen)


def is_component(module: str) -> bool:
    family, _, kind = module.partition(".")
    return family in FAMILIES and kind not in ("", "base") and "." not in kind and kind != "parts"


def no_offenders(rule: str, offenders: Iterable[str]) -> None:
    """Offenders that are not in UNFINISHED fail, and so do entries there that offend no more."""
    found, known = set(offenders), UNFINISHED.get(rule, set())
    assert not found - known, f"{rule}:\n  " + "\n  ".join(sorted(found - known))
    assert not known - found, f"{rule}: remove what is fixed from UNFINISHED: {', '.join(sorted(known - found))}"


# --- imports ---


def test_every_package_has_its_layer() -> None:
    layered = {name for layer in LAYERS for name in layer}
    assert {package(module) for module in MODULES} - {"__init__"} <= layered
    assert layered >= NARROW.keys() | BESIDE.keys()


def allowed(module: str, other: str, when: str) -> bool:
    """Whether a module may import another: from a later layer, and no more than NARROW says."""
    own, met = package(module), package(other)
    if own == met:
        return own != "base"  # families meet in their base types, for type checkers
    level = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    below = level[met] > level[own] or met in BESIDE.get(own, ())
    if when == "types":
        return below or (own, met) in TYPES_UPWARD
    return below and (own not in NARROW or met in NARROW[own])


def test_imports_point_one_way() -> None:
    no_offenders(
        "layers",
        (
            f"{module} -> {imported.module}"
            for module, imported in own_imports()
            if not allowed(module, imported.module, imported.when)
            and not (imported.when == "types" and package(module) == package(imported.module))
        ),
    )


def test_families_meet_in_base_modules_only() -> None:
    """Type checkers' imports count here too: a family knows another by its base types."""
    no_offenders(
        "families",
        (
            f"{module} -> {imported.module}"
            for module, imported in own_imports()
            if {module.partition(".")[0], imported.module.partition(".")[0]} <= FAMILIES
            and module.partition(".")[0] != imported.module.partition(".")[0]
            and package(imported.module) != "base"
        ),
    )


def test_no_package_has_a_circle() -> None:
    """Imports for type checkers count here too."""
    graphs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, imported in own_imports():
        first = module.partition(".")[0]
        if imported.module.partition(".")[0] == first:
            graphs[first][module].add(imported.module)
    circles = []
    for graph in graphs.values():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as circle:
            circles.append(", ".join(sorted(set(circle.args[1]))))
    no_offenders("circles", circles)


def test_libraries_stay_in_their_packages() -> None:
    used = [
        (module, imported.module.partition(".")[0])
        for module in MODULES
        for imported in imports(module)
        if imported.module not in MODULES and imported.when != "types"
    ]
    no_offenders(
        "libraries",
        (f"{module} -> {name}" for module, name in used if name in ROOMS and not is_within(module, ROOMS[name])),
    )


def test_no_torch_comes_along() -> None:
    light = [module for module in MODULES if is_within(module, WITHOUT_TORCH) and module not in WITH_TORCH]
    assert len(light) > 60
    no_offenders("torch", (m for m in light if {name.partition(".")[0] for name in brought(m)} & set(TORCH)))


def test_the_command_imports_nothing_heavy() -> None:
    assert not {name.partition(".")[0] for name in brought("cli")} & HEAVY
    show = "import ganbench.cli, sys; print(*sys.modules); sys.argv[1:] = ['--help']; ganbench.cli.main()"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    modules, _, answer = done.stdout.partition("\n")
    assert not {name.partition(".")[0] for name in modules.split()} & HEAVY
    assert "Usage" in answer


# --- sizes ---


def lines_of(module: str) -> int:
    return len(MODULES[module].read_text().splitlines())


def test_files_are_small() -> None:
    no_offenders("long files", (m for m in MODULES if lines_of(m) >= (100 if is_component(m) else 300)))


def test_no_module_is_a_crumb() -> None:
    """A module under 40 lines with a single importer belongs into it; a component has none by name."""
    importers: dict[str, set[str]] = defaultdict(set)
    for module, imported in own_imports():
        importers[imported.module].add(module)
    files = [m for m in MODULES if MODULES[m].name != "__init__.py" and not is_component(m) and package(m) != "base"]
    no_offenders("crumbs", (m for m in files if lines_of(m) < 40 and len(importers[m]) == 1))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(module: str) -> list[Function]:
    return [node for node in ast.walk(parsed(MODULES[module])) if isinstance(node, Function)]


def length(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def parameters(function: Function) -> int:
    """How many there are besides self or cls, starred ones included."""
    given = function.args
    plain = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    starred = [arg for arg in (given.vararg, given.kwarg) if arg]
    return len(plain) + len(starred) - (plain[:1] in (["self"], ["cls"]))


def test_functions_are_small() -> None:
    every = [(module, function) for module in MODULES for function in functions(module)]
    no_offenders("long functions", (f"{m}.{f.name}: {length(f)} lines" for m, f in every if length(f) >= 40))
    no_offenders("wide functions", (f"{m}.{f.name}: {parameters(f)} parameters" for m, f in every if parameters(f) > 5))


# --- habits ---


def test_a_class_name_stands_for_one_thing() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for node in ast.walk(parsed(MODULES[module])):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    no_offenders("class names", (name for name, modules in places.items() if len(modules) > 1))


def test_names_say_something() -> None:
    vague = re.compile("manager|helper|util", re.IGNORECASE)
    classes = [
        (module, node.name)
        for module in MODULES
        for node in ast.walk(parsed(MODULES[module]))
        if isinstance(node, ast.ClassDef)
    ]
    files = [(module, module.rpartition(".")[2]) for module in MODULES]
    no_offenders("vague names", (f"{module}: {name}" for module, name in (*classes, *files) if vague.search(name)))


def test_calls_keep_the_habits() -> None:
    """No `hasattr`, no chain of `super()`, and tensors are loaded with `weights_only=True`."""
    broken = []
    for module in MODULES:
        for node in ast.walk(parsed(MODULES[module])):
            match node:
                case ast.Call(func=ast.Name(id="hasattr")):
                    broken.append(f"{module}:{node.lineno} asks with hasattr")
                case ast.Call(keywords=keywords) if ast.unparse(node.func) == "torch.load":
                    if not any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in keywords):
                        broken.append(f"{module}:{node.lineno} loads without weights_only=True")
                case ast.Attribute(attr=attr) if ast.unparse(node.value) == "super()" and attr != "__init__":
                    broken.append(f"{module}:{node.lineno} overrides {attr} and calls it")
    no_offenders("calls", broken)


def test_types_are_checked_everywhere() -> None:
    ignored = re.compile(r"#\s*type:\s*ignore")
    no_offenders("type: ignore", (module for module, path in MODULES.items() if ignored.search(path.read_text())))


def test_components_are_pure() -> None:
    """No clock, environment, log or chance of their own: datasets may name paths, which their shared parts read."""
    impure = {"os", "time", "datetime", "logging", "random", "subprocess", "warnings", "socket", "tempfile", "pathlib"}
    no_offenders(
        "impure components",
        (
            f"{module} -> {imported.module}"
            for module in MODULES
            if is_component(module) and not is_within(module, ["executors"])
            for imported in imports(module)
            if imported.module.partition(".")[0] in impure - ({"pathlib"} if is_within(module, ["datasets"]) else set())
        ),
    )


def test_no_module_names_a_variant() -> None:
    """What knows one objective by name treats it apart; only `variants/` may. Docstrings and sources may cite."""
    registry = Registry()
    kinds = set(registry.names("variant"))
    words = kinds | {registry.find("variant", kind).__name__ for kind in kinds}
    offenders = set()
    for module in MODULES:
        own = module.partition(".")[0]
        for place, word in _words(parsed(MODULES[module])) if own != "variants" else ():
            if word in words - ENGLISH - VARIANTS_NAMED.get(own, set()):
                offenders.add(f"{module}:{place} {word}")
    no_offenders("variants named", offenders)


def _words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The identifiers, and the words within texts that are neither a docstring nor a component's source."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign)]
    sources = [node.value for node in assigned if ast.unparse(node).partition(":")[0].partition(" =")[0] == "source"]
    skipped = {id(part) for value in (*texts, *sources) if value is not None for part in ast.walk(value)
               if isinstance(part, ast.Constant)}  # fmt: skip
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)) if id(node) not in skipped:
                yield from ((line, word) for word in re.findall(r"\w+", text))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield line, name
            case ast.ImportFrom(module=str(source), names=names):
                yield from ((line, part) for part in (*source.split("."), *(alias.name for alias in names)))


def test_this_file_sees_what_it_looks_for() -> None:
    assert {"torch", "variants.base"} <= brought("training.trainer")
    assert "torch" in brought("runner.worker") and "torch" not in brought("spec")
    assert Import("spec", "types") in imports("component")
    assert any(imported.when == "late" for imported in imports("evaluators.wasserstein"))
    assert max(length(function) for function in functions("cli")) > 3
    right = [("runner.worker", "training.trainer"), ("variants.ns", "variants.base"), ("executors.base", "runner.job")]
    wrong = [("report.formats", "training.state"), ("variants.ns", "networks.mlp"), ("runner.run", "executors.base")]
    assert all(allowed(*pair, "top") for pair in right)
    assert not any(allowed(*pair, "top") for pair in (*wrong, *(pair[::-1] for pair in right)))
    named_here = {word for _, word in _words(ast.parse('source = "A"\nx = f(y, "if lsgan")\n"B"'))}
    assert named_here == {"source", "x", "f", "y", "if", "lsgan"}
