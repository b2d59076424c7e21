"""The sections `grid` and `train`: axes and their values, the values of the other axes, and the resulting cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from ganbench.datasets.base import Dataset, Space
from ganbench.errors import RequestError
from ganbench.networks.base import Network
from ganbench.plugins import Registry, hint
from ganbench.spec import GRID_AXES, Arithmetic, RunSpec, run_spec
from ganbench.suite import per_dataset
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import MOST, Choice, choices, mapping

ARITHMETIC = tuple(f.name for f in fields(Arithmetic))
FURTHER = ("memory_format", "g_batch")  # what only `train` takes
IN_TRAIN = (*(axis for axis in GRID_AXES if axis not in ("variant", "dataset", "seed")), *FURTHER)

Block = dict[str, list[Choice]]  # one mapping of the grid: its axes and their values
Datasets = dict[str, tuple[Dataset, Space]]  # by notation
Defaults = Mapping[str, Mapping[str, Choice]]  # `train`: key -> dataset -> value


@dataclass(frozen=True)
class GridCell:
    """Runs that differ only in their seed; `spec` has the first seed."""

    spec: RunSpec
    seeds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class SuiteGrid:
    """The contents of `grid` and `train`, and the datasets that they name."""

    blocks: tuple[Block, ...]
    defaults: Defaults
    datasets: Datasets
    registry: Registry

    def cells(self, mistakes: Mistakes) -> Iterator[GridCell]:
        """The cells in the file's order. Axes that the grid does not have get the value of `train` or a default."""
        for block in self.blocks:
            seeds = tuple(choice.value for choice in block.get("seed", ())) or (0,)
            axes = [axis for axis in GRID_AXES if axis in block and axis != "seed"]
            for combination in itertools.product(*(block[axis] for axis in axes)):
                chosen = dict(zip(axes, combination, strict=True))
                yield GridCell(self._spec(chosen, seeds[0], mistakes), seeds)

    def _spec(self, chosen: Mapping[str, Choice], seed: int, mistakes: Mistakes) -> RunSpec:
        dataset = chosen["dataset"].value
        given = {axis: choice for axis in self.defaults if (choice := per_dataset.of(self.defaults[axis], dataset))}
        full = {**given, **chosen}
        values = {axis: choice.value for axis, choice in full.items() if axis not in ("network", "batchnorm")}
        if "optimizer" not in values:
            values["optimizer"] = self._default("optimizer", "adam")
        arithmetic = Arithmetic(**{name: values.pop(name) for name in ARITHMETIC if name in values})
        return run_spec(arithmetic=arithmetic, **values, network=self._network(dataset, full, mistakes), seed=seed)

    def _network(self, dataset: Dataset, chosen: Mapping[str, Choice], mistakes: Mistakes) -> Network:
        network, norm = chosen.get("network"), chosen.get("batchnorm")
        if network is None:
            _, space = self.datasets[dataset.notation()]
            usual = "dcgan" if space.is_image else "mlp"
            value: Network = self._default("network", dataset.default_network or usual)
        else:
            value = network.value
        if norm is None:
            return value
        given_twice = network is not None and isinstance(network.node.value, dict) and "batchnorm" in network.node.value
        if given_twice and value.batchnorm != norm.value:
            given = f"batchnorm {norm.value} contradicts network {value.notation()}"
            mistakes.at(norm.node, given, "set it in only one of the two places")
        return replace(value, batchnorm=norm.value)

    def _default(self, family: str, kind: str) -> Any:
        return self.registry.find(family, kind)()


def read_blocks(node: Node, registry: Registry, mistakes: Mistakes) -> tuple[Block, ...]:
    """The blocks of `grid`: one for a mapping, several for a list of mappings."""
    blocks = []
    for item in node.items:
        entries = mapping(item, "grid", GRID_AXES, mistakes)
        for axis in ("variant", "dataset"):
            if axis not in entries and isinstance(item.value, dict):
                mistakes.at(item, f"the grid needs the axis {axis!r}", hint("", registry.names(axis)))
        blocks.append({axis: choices(axis, entry, registry, mistakes) for axis, entry in entries.items()})
    if not blocks:
        mistakes.at(node, "the grid is empty", "give a mapping from axis to values, or a list of them")
    count = sum(math.prod(map(len, block.values())) for block in blocks)
    if count > MOST:
        mistakes.at(node, f"the grid has {count} runs", f"at most {MOST}")
    return tuple(blocks)


def read_datasets(
    blocks: Iterable[Block], data_root: Path | None, mistakes: Mistakes
) -> tuple[tuple[Block, ...], Datasets]:
    """The blocks with resolved datasets, and these datasets with their spaces.

    Each dataset is resolved once, so its files are hashed once. A dataset whose files are absent is left out and noted
    as a mistake.
    """
    datasets: Datasets = {}
    resolved: dict[Dataset, Dataset] = {}
    readable = []
    for block in blocks:
        kept = []
        for choice in block.get("dataset", ()):
            try:
                if choice.value not in resolved:
                    resolved[choice.value] = choice.value.resolved(data_root)
                dataset = resolved[choice.value]
                datasets[dataset.notation()] = (dataset, dataset.space(data_root))
                kept.append(replace(choice, value=dataset))
            except RequestError as error:
                mistakes.at_error(choice.node, error)
        readable.append({**block, "dataset": kept})
    return tuple(readable), datasets


def read_train(
    node: Node, blocks: tuple[Block, ...], names: Iterable[str], registry: Registry, mistakes: Mistakes
) -> Defaults:
    """The values of `train`. `names`: the datasets for which a value may be given."""
    names = tuple(names)

    def single(entry: Node, axis: str) -> Choice:
        values = choices(axis, entry, registry, mistakes)
        if isinstance(entry.value, list) or len(values) > 1:
            several = (
                f"for several use the grid's axis {axis!r}" if axis in GRID_AXES else "for several write several suites"
            )
            mistakes.at(entry, f"train takes a single value for {axis}, not a list", several)
        return values[0] if values else Choice(None, entry)

    defaults = {}
    for axis, entry in mapping(node, "train", IN_TRAIN, mistakes).items():
        if blocks and all(axis in block for block in blocks):
            mistakes.at(
                entry.key or entry,
                f"train.{axis} is not used, because the grid has this axis",
                "leave out one",
            )
        defaults[axis] = per_dataset.read(entry, names, partial(single, axis=axis), mistakes)
    return defaults


def need_steps(node: Node, blocks: tuple[Block, ...], defaults: Defaults, mistakes: Mistakes) -> None:
    """Note each dataset without a number of steps, at `train`."""
    for block in blocks:
        for dataset in block.get("dataset", ()) if "steps" not in block else ():
            if per_dataset.of(defaults.get("steps", {}), dataset.value) is None:
                mistakes.at(node, f"train needs steps for dataset {dataset.value.notation()}", "train: {steps: 4000}")
