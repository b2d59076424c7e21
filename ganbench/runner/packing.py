"""Packs: which seeds of a cell are trained as one program.

It is decided when a run is first planned in a results folder and stays so, because a run's last digits depend on how
many seeds its pack has. The manifests hold it, and `env.json` of every run that has begun. They may be lost one by one:
whatever is left of them decides, in this order:

1. the run's own `env.json`: what was begun in a pack goes on in it, and what was begun in an unnamed pack of 0.1 alone;
2. the manifest of any suite that has planned the run, the first by name;
3. the `env.json` of another run of the cell that names this run's seed.

Only the other runs are packed anew, among themselves. `divided` is the one exception: a pack for which no GPU has the
memory is planned anew as smaller ones, and what it has left unfinished begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.manifest import planning, read_manifest, write_manifest
from ganbench.results.state import pack_of, sessions_of

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.networks.base import Network
    from ganbench.results.store import RunFolder, Store
    from ganbench.runner.job import EncodedJob, Job
    from ganbench.spec import RunSpec

Packs = Mapping[str, tuple[int, ...]]  # the seeds of each run's pack, its own among them, by run id
Cells = Mapping["RunSpec", Sequence["RunSpec"]]  # the runs that differ only in their seed, by their spec with seed 0

LOCK_WAIT = 10.0  # seconds for the locks of runs whose worker has just ended
MILLION = 1_000_000
# (numbers in a batch, products for a batch, seeds in a pack at most): the first row within both bounds, else 1 seed
CPU = ((8_000, 8 * MILLION, 12), (8_000, 25 * MILLION, 6))
CUDA = ((16_000, 25 * MILLION, 64), (64_000, 100 * MILLION, 16))


@dataclass(frozen=True)
class Packing:
    """How runs are packed that are planned for the first time."""

    seeds: int | None = None  # in a pack at most; None: as many as `most_seeds` says
    device: str = "cpu"  # "cpu" or "cuda:1"
    data: Path | None = None  # the data folder
    alone: frozenset[RunSpec] = frozenset()  # cells, as specs with seed 0, whose runs can't share a pack

    def most(self, spec: RunSpec) -> int:
        """The largest number of seeds in a pack of this run's cell."""
        if not spec.stackable or replace(spec, seed=0) in self.alone:
            return 1
        return self.seeds or most_seeds(spec, self.device, self.data)


def most_seeds(spec: RunSpec, device: str, data: Path | None) -> int:
    """The rule of `--pack auto`. It reads the run and the kind of device, never a clock or the number of workers.

    A pack saves the time between operations, of which a step has the same number whatever the pack's width. So packs
    are wide where operations are short: few numbers in a batch of real samples, and few products of weights with it
    (G's and D's parameters times the batch, which leaves out that a convolution uses a weight at every pixel).
    `benchmarks/packs.py` measures what packs gain; its figures, from which the bounds come, are in
    `benchmarks/README.md`. The bounds for CUDA were not measured.
    """
    space = spec.dataset.space(data)
    numbers = spec.batch * math.prod(space.shape)
    rows = [row for row in (CUDA if device.startswith("cuda") else CPU) if numbers <= row[0]]
    products = spec.batch * _parameters(spec.network, space) if rows else math.inf
    return next((seeds for _, bound, seeds in rows if products <= bound), 1)


@cache
def _parameters(network: Network, space: Space) -> float:
    """The number of parameters of G and D; infinity for a user's network that can't be built without data."""
    from ganbench.training.sampling import blank  # only here: a plan of runs that are all planned needs no torch

    try:
        nets = [blank(partial(make, space)) for make in (network.generator, network.discriminator)]
    except Exception:  # whatever it is: such a network is trained alone
        return math.inf
    return sum(parameter.numel() for net in nets for parameter in net.parameters())


def packs_of(specs: Iterable[RunSpec], store: Store, packing: Packing) -> Packs:
    """The pack of every run, those that are fixed and those that are new."""
    specs = tuple(specs)
    packs = fixed_packs(specs, store)
    for cell, members in cells_of(spec for spec in specs if spec.run_id() not in packs).items():
        for pack in _even_packs([spec.seed for spec in members], packing.most(cell)):
            packs |= {spec.run_id(): pack for spec in members if spec.seed in pack}
    return packs


def fixed_packs(specs: Iterable[RunSpec], store: Store) -> dict[str, tuple[int, ...]]:
    """The packs of those runs that have one already, by what is left of the files that hold it."""
    planned, packs = planned_packs(store, store.suites()), dict[str, tuple[int, ...]]()
    for members in cells_of(specs).values():
        folders = {spec.seed: store.run(spec.run_id()) for spec in members}
        packed = {seed: begun_in(folder, seed) for seed, folder in folders.items()}
        begun = {seed: pack or (seed,) for seed, pack in packed.items() if pack is not None}
        named = {seed: pack for pack in begun.values() for seed in pack}
        for spec in members:
            if pack := begun.get(spec.seed) or planned.get(spec.run_id()) or named.get(spec.seed):
                packs[spec.run_id()] = pack
    return packs


def cells_of(specs: Iterable[RunSpec]) -> Cells:
    """Runs by their cell, in their order."""
    cells: dict[RunSpec, list[RunSpec]] = {}
    for spec in specs:
        cells.setdefault(replace(spec, seed=0), []).append(spec)
    return cells


def begun_in(folder: RunFolder, seed: int) -> tuple[int, ...] | None:
    """The pack in which a run was begun, by its `env.json`; `()` where 0.1 didn't name it, None without such a file."""
    with suppress(DamagedRun, ValueError):
        if sessions := sessions_of(folder.read_json("env.json")):
            return pack_of(sessions[-1], seed)
    return None


def planned_packs(store: Store, suites: Iterable[str]) -> Packs:
    """The packs in the manifests of these suites, those of the first before others; a damaged manifest has none."""
    planned: dict[str, tuple[int, ...]] = {}
    for suite in suites:
        with suppress(RequestError):
            planned = {**read_manifest(store, suite).packs, **planned}
    return planned


def divided(job: Job | EncodedJob, parts: Iterable[Sequence[int]], store: Store) -> list[Job | EncodedJob]:
    """Plan the unfinished runs of a job anew, in packs of these seeds of its pack; the jobs of all of its runs.

    Runs that are finished stay as they are, and have a job in the pack in which they were trained. The manifests hold
    the new packs before a run begins in one. Raises `Timeout` where another process fills one of the runs.
    """
    with ExitStack() as locks:
        folders = {run_id: locks.enter_context(store.run(run_id).owned(LOCK_WAIT)) for run_id in job.run_ids}
        finished = [run_id for run_id, folder in folders.items() if _is_finished(folder)]
        unfinished = {run_id: seed for run_id, seed in job.seed_of.items() if run_id not in finished}
        left = [{run_id: seed for run_id, seed in unfinished.items() if seed in seeds} for seeds in parts]
        jobs = [job.part(tuple(half), tuple(half.values())) for half in left if half]
        _plan_anew(store, {run_id: half.pack for half in jobs for run_id in half.run_ids})
        for run_id in (run_id for half in jobs for run_id in half.run_ids):
            folders[run_id].clear()  # its checkpoint is that of the larger pack
    return [*jobs, *([job.part(finished, job.seeds)] if finished else [])]


def as_planned(jobs: Sequence[Job | EncodedJob], store: Store) -> list[Job | EncodedJob]:
    """Jobs in the packs that their runs have now: another process may have divided some since they were made."""
    several = any(len(job.seeds) > 1 for job in jobs)
    planned = planned_packs(store, store.suites()) if several else {}
    return [part for job in jobs for part in _as_planned(job, store, planned)]


def _as_planned(job: Job | EncodedJob, store: Store, planned: Packs) -> list[Job | EncodedJob]:
    if len(job.seeds) == 1:
        return [job]
    packs: dict[tuple[int, ...], list[str]] = {}
    for run_id, seed in job.seed_of.items():
        pack = begun_in(store.run(run_id), seed) or planned.get(run_id) or job.seeds
        packs.setdefault(pack, []).append(run_id)
    return [job] if packs.keys() == {job.seeds} else [job.part(runs, pack) for pack, runs in packs.items()]


def _is_finished(folder: RunFolder) -> bool:
    with suppress(DamagedRun):
        return (state := folder.check()) is not None and state.finished
    return False


def _plan_anew(store: Store, packs: Packs) -> None:
    """Replace the packs of these runs in every manifest that has planned them; a damaged one is left as it is."""
    with planning(store):
        for suite in store.suites():
            with suppress(RequestError):
                manifest = read_manifest(store, suite)
                changed = {run_id: pack for run_id, pack in packs.items() if run_id in manifest.packs}
                if changed:
                    write_manifest(store, replace(manifest, packs={**manifest.packs, **changed}))


def _even_packs(seeds: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """Seeds in as few packs as `most` allows, of sizes that differ by one at most."""
    count = math.ceil(len(seeds) / most)
    bounds = [math.ceil(len(seeds) * i / count) for i in range(count + 1)] if count else []
    return [tuple(seeds[start:end]) for start, end in pairwise(bounds)]
