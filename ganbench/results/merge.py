"""Results folders joined into one. Ids of runs are hashes of what decides their numbers, so equal ids are equal runs.

`plan_merge` reads everything and writes nothing; `carry_out` copies. The manifests are written last: what is killed in
between is completed by the same merge again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.agreement import Conflict, RunRecord, best_of, read_record
from ganbench.results.manifest import Manifest, planning, read_manifest, write_manifest
from ganbench.results.state import pack_of
from ganbench.results.store import RunFolder, Store
from ganbench.results.transfer import IN_PROGRESS, copy_run
from ganbench.results.union import disagreement, union


@dataclass(frozen=True)
class Source:
    """A results folder, as the user typed it."""

    typed: str
    store: Store


@dataclass(frozen=True)
class KeptRun:
    """Where the record of a run that is kept lies; without its content, because there may be many runs.

    `owner`: the folder as the user typed it. `pack`: the seeds with which it was begun; `()` where that is not known.
    """

    owner: str
    folder: RunFolder
    pack: tuple[int, ...]

    @classmethod
    def of(cls, record: RunRecord) -> KeptRun:
        environment = record.content.environment()
        return cls(record.owner, record.folder, pack_of(environment, record.seed) if environment else ())

    def is_within(self, store: Store) -> bool:
        """Whether it lies in that results folder already."""
        return self.folder.path.parents[1].resolve() == store.root.resolve()


@dataclass(frozen=True)
class MergePlan:
    """What a merge will do. With conflicts it can't be carried out.

    `chosen`: what is kept of each run. `manifests`: of each suite, joined. `left_out`: a sentence for each
    damaged file and each run in progress.
    """

    into: Store
    chosen: Mapping[str, KeptRun]
    manifests: tuple[Manifest, ...]
    conflicts: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def to_copy(self) -> list[KeptRun]:
        """The runs that the merged folder does not hold yet."""
        return [run for run in self.chosen.values() if not run.is_within(self.into)]


def plan_merge(sources: Sequence[Source], into: Store, preferred: str | None = None) -> MergePlan:
    """What to take from where. Of records that say the same, that of `into` is kept, and else the first source's.

    `preferred`: the source (as typed) whose record and rules count where sources contradict each other.
    """
    sources = _ordered(sources, into)
    holders: dict[str, list[Source]] = {}
    for source in sources:
        for folder in source.store.runs():
            holders.setdefault(folder.run_id, []).append(source)
    chosen, conflicts, left_out = dict[str, KeptRun](), list[str](), list[str]()
    for run_id, owners in sorted(holders.items()):
        records, sentences = _records(run_id, owners)
        left_out += sentences
        best = best_of(records, preferred) if records else None
        if isinstance(best, Conflict):
            conflicts.append(str(best))
        elif best and best.content.in_progress:
            own = KeptRun.of(best).is_within(into)
            left_out += [] if own else [f"not merged: {best.folder.path}: {IN_PROGRESS}"]
        elif best:
            chosen[run_id] = KeptRun.of(best)
    manifests, rules, damaged = _manifests(sources, preferred)
    packed = tuple(_with_packs(manifest, chosen) for manifest in manifests)
    return MergePlan(into, chosen, packed, (*rules, *conflicts), (*damaged, *left_out))


def carry_out(plan: MergePlan) -> tuple[str, ...]:
    """Copy the runs and write the manifests; a sentence for each run that could not be copied.

    A process that plans runs in the merged folder meanwhile waits for the manifests.
    """
    store, failures = plan.into.open(), list[str]()
    for run in plan.to_copy:
        try:
            copy_run(run.folder, store.run(run.folder.run_id))
        except (DamagedRun, RequestError) as error:
            failures.append(f"not merged: {error}")
    with planning(store):
        for manifest in plan.manifests:
            write_manifest(store, _with_news(manifest, store))
    return tuple(failures)


def _ordered(sources: Sequence[Source], into: Store) -> list[Source]:
    """The sources, each once; the merged folder is the first of them if it holds anything. Raises `RequestError`."""
    places = {source.store.root.resolve(): source for source in reversed(sources)}
    for source in places.values():
        if not (source.store.suites() or source.store.runs()):
            known = "a results folder has the folders `runs` and `suites`"
            todo = "correct the name, and unpack an archive first"
            raise RequestError(source.typed, "there are no results in it", known, todo)
    root = into.root.resolve()
    own = places.pop(root, None) or Source(str(into.root), into)
    rest = [source for source in dict.fromkeys(sources) if places.get(source.store.root.resolve()) is source]
    return [own, *rest] if own.store.suites() or own.store.runs() else rest


def _records(run_id: str, owners: Sequence[Source]) -> tuple[list[RunRecord], list[str]]:
    """The records of a run, and a sentence for each folder in which it is damaged."""
    records, sentences = list[RunRecord](), list[str]()
    for source in owners:
        try:
            record = read_record(source.typed, source.store.run(run_id))
        except DamagedRun as damage:
            sentences.append(f"not merged: {damage}")
        else:
            records += [record] if record else []
    return records, sentences


def _manifests(sources: Sequence[Source], preferred: str | None) -> tuple[list[Manifest], list[str], list[str]]:
    """The manifest of each suite, a sentence for each conflict of rules, and one for each file that can't be read."""
    held: dict[str, list[tuple[str, Manifest]]] = {}
    conflicts, damaged = list[str](), list[str]()
    for source in sources:
        for suite in source.store.suites():
            try:
                held.setdefault(suite, []).append((source.typed, read_manifest(source.store, suite)))
            except RequestError as error:
                damaged.append(f"not merged: {error}")
    for suite, owners in held.items():
        known = any(owner == preferred for owner, _ in owners)
        texts = (disagreement(owners[0], other) for other in owners[1:])
        if not known and (text := next(filter(None, texts), "")):
            conflicts.append(f"suite {suite}: {text}")
        owners.sort(key=lambda owner: owner[0] != preferred)  # whose rules count where they differ
    return [union([manifest for _, manifest in owners]) for owners in held.values() if owners], conflicts, damaged


def _with_packs(manifest: Manifest, chosen: Mapping[str, KeptRun]) -> Manifest:
    """The manifest in which each run that has begun has the pack in which the kept record was begun."""
    begun = {run_id: chosen[run_id].pack for run_id in manifest.runs if run_id in chosen}
    return replace(manifest, packs={**manifest.packs, **{run_id: pack for run_id, pack in begun.items() if pack}})


def _with_news(manifest: Manifest, store: Store) -> Manifest:
    """The manifest with the runs that another process has planned in the merged folder since the merge was planned."""
    with suppress(RequestError):
        return union([manifest, read_manifest(store, manifest.suite)])
    return manifest
