"""The ledger of GPU memory on simulated devices: no more is promised than there is, and every job comes to an end."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.runner.ledger import (
    SPARE,
    Claimant,
    Gpu,
    MemoryKey,
    MemoryLedger,
    Promise,
    after_exhaustion,
    is_exhaustion,
    need,
)

GIB = 2**30
CARD = Gpu("cuda:0", "H200", 16 * GIB)
PACK = Claimant("job", "cell", tuple(range(4)))
KEY = MemoryKey("H200", "cell", 4)


def test_an_unknown_job_has_the_gpu_for_itself() -> None:
    ledger = MemoryLedger()
    first = ledger.offer(CARD, PACK, CARD.capacity)
    assert first == Promise(CARD, PACK, CARD.capacity)
    ledger = ledger.promised(first)
    assert ledger.offer(CARD, PACK, CARD.capacity) is None
    known = ledger.ended(first, 3 * GIB)
    assert known.estimates == {KEY: 3 * GIB} and not known.promises


def test_known_jobs_share_while_they_fit() -> None:
    """Each of 3 GiB is promised 3.3 GiB and 512 MiB, so that four fit on 16 GiB."""
    ledger = MemoryLedger({KEY: 3 * GIB})
    count = 0
    while promise := ledger.offer(CARD, PACK, CARD.capacity):
        assert promise.size == int(1.1 * 3 * GIB) + 512 * 2**20
        ledger, count = ledger.promised(promise), count + 1
    assert count == 4
    other = Gpu("cuda:1", "H200", 16 * GIB)
    assert ledger.offer(other, PACK, other.capacity), "another GPU is free"


def test_what_other_programs_use_is_not_promised() -> None:
    ledger = MemoryLedger({KEY: 3 * GIB})
    ledger = ledger.promised(Promise(CARD, PACK, 4 * GIB))
    assert ledger.offer(CARD, PACK, need(3 * GIB)) and ledger.offer(CARD, PACK, need(3 * GIB) - 1) is None


def test_of_another_device_or_size_of_pack_nothing_is_known() -> None:
    ledger = MemoryLedger({KEY: GIB}).promised(Promise(CARD, PACK, GIB))
    assert ledger.offer(CARD, PACK, CARD.capacity)
    assert ledger.offer(CARD, Claimant("job", "cell", (0, 1)), CARD.capacity) is None
    assert ledger.offer(Gpu("cuda:0", "T4", 16 * GIB), PACK, CARD.capacity) is None


def test_the_steps_after_out_of_memory() -> None:
    """Alone, then halves, which may share again, and at the end a single run alone."""
    (alone,) = after_exhaustion(Promise(CARD, PACK, GIB), shared=True) or ()
    assert alone == Claimant("job", "cell", (0, 1, 2, 3), alone=True)
    halves = after_exhaustion(Promise(CARD, Claimant("job", "cell", (0, 1, 2), alone=True), GIB), shared=False) or ()
    assert [half.pack for half in halves] == [(0, 1), (2,)] and not any(half.alone for half in halves)
    assert after_exhaustion(Promise(CARD, halves[1], GIB), shared=False) is None


def test_out_of_memory_doubles_the_estimate_up_to_the_gpu() -> None:
    promise = Promise(CARD, PACK, need(3 * GIB))
    ledger = MemoryLedger({KEY: 3 * GIB}).promised(promise).exhausted(promise)
    assert ledger == MemoryLedger({KEY: 6 * GIB})
    assert ledger.exhausted(promise).exhausted(promise).estimates == {KEY: CARD.capacity}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: Out of Memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (MemoryError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: BaseException, expected: bool) -> None:
    assert is_exhaustion(error) is expected


# --- simulated devices ---


@dataclass
class Simulation:
    """GPUs on which jobs take memory of their own accord, whatever was promised, and end in a random order.

    `sizes`: what a cell's job takes at its peak for each seed, in bytes. A job whose GPU is full runs out of memory.
    """

    gpus: list[Gpu]
    sizes: dict[str, int]
    chance: random.Random
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    todo: deque[Claimant] = field(default_factory=deque)
    done: list[tuple[str, int]] = field(default_factory=list)
    failed: list[tuple[str, int]] = field(default_factory=list)

    def run(self) -> None:
        for _ in range(10_000):
            for gpu in self.gpus:
                self.admit(gpu)
                assert sum(promise.size for promise in self.ledger.on(gpu)) <= gpu.capacity
            if not self.ledger.promises:
                assert not self.todo, "a job waits although nothing is running"
                return
            self.end(self.chance.choice(self.ledger.promises))
        pytest.fail("it does not end")

    def admit(self, gpu: Gpu) -> None:
        for claimant in list(self.todo):
            if promise := self.ledger.offer(gpu, claimant, gpu.capacity - self.used(gpu)):
                self.todo.remove(claimant)
                self.ledger = self.ledger.promised(promise)

    def end(self, promise: Promise) -> None:
        claimant, others = promise.claimant, [p for p in self.ledger.on(promise.gpu) if p is not promise]
        if self.used(promise.gpu) > promise.gpu.capacity:
            self.ledger = self.ledger.exhausted(promise)
            following = after_exhaustion(promise, shared=bool(others))
            self.todo.extend(following or ())
            self.failed += [] if following else [(claimant.cell, seed) for seed in claimant.pack]
        else:
            self.ledger = self.ledger.ended(promise, self.peak(claimant))
            self.done += [(claimant.cell, seed) for seed in claimant.pack]

    def peak(self, claimant: Claimant) -> int:
        return self.sizes[claimant.cell] * len(claimant.pack)

    def used(self, gpu: Gpu) -> int:
        return sum(self.peak(promise.claimant) for promise in self.ledger.on(gpu))


@settings(max_examples=200, deadline=None)
@given(
    capacities=st.lists(st.integers(SPARE // 4, 40 * GIB), min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 12 * GIB), min_size=1, max_size=4),
    packs=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=12),
    guesses=st.lists(st.integers(0, 12 * GIB), max_size=4),
    seed=st.integers(0, 2**16),
)
def test_every_run_ends_and_only_those_fail_that_fit_nowhere(
    capacities: list[int], sizes: list[int], packs: list[tuple[int, int]], guesses: list[int], seed: int
) -> None:
    """Also with estimates that are too small, as those of an earlier version may be."""
    gpus = [Gpu(f"cuda:{index}", "H200", capacity) for index, capacity in enumerate(capacities)]
    known = {MemoryKey("H200", f"cell{index}", 2): guess for index, guess in enumerate(guesses)}
    simulation = Simulation(gpus, {f"cell{i}": size for i, size in enumerate(sizes)}, random.Random(seed))
    simulation.ledger = MemoryLedger(known)
    expected = []
    for number, (cell, width) in enumerate(packs):
        seeds = tuple(range(100 * number, 100 * number + width))
        simulation.todo.append(Claimant(f"job{number}", f"cell{cell % len(sizes)}", seeds))
        expected += [(f"cell{cell % len(sizes)}", run) for run in seeds]
    simulation.run()
    assert sorted(simulation.done + simulation.failed) == sorted(expected), "every run ends once"
    for cell, _ in simulation.failed:
        assert simulation.sizes[cell] > min(capacities), "a run that fits on every GPU does not fail"
