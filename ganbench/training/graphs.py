"""Turns of training that are recorded once and then replayed: as CUDA graphs, or as tapes on the CPU.

A step of a small network is hundreds of kernels that each take less time than their launch from Python. A graph
launches them at once. It repeats the same kernels on the same memory, so its numbers are those of the turn itself.
A tape (`ganbench.training.tape`) repeats the same operations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from torch import Tensor

from ganbench.training.packs import map_tensors, tensors_of

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

Given = TypeVar("Given")  # nested dicts, tuples and dataclasses of tensors
Made = TypeVar("Made")
Replay = Callable[[], Any]  # repeats what was recorded; returns what it makes in new tensors
Record = Callable[[Callable[[], Any]], Replay]  # records a function, which changes nothing

NOT_RECORDED = "nothing is recorded here"
WARM_UP = 3  # turns before recording: libraries load kernels and optimizers create their state in the first ones


def cuda_graph(device: str, function: Callable[[], Any]) -> Replay:
    """`function` as a CUDA graph with memory of its own.

    Raises `RuntimeError` if the function waits for the device, or needs memory that is not free.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph, capture_error_mode="thread_local"):
        made = function()

    def replay() -> Any:
        with torch.cuda.device(device):
            graph.replay()
        return map_tensors(Tensor.clone, made)

    return replay


@dataclass(frozen=True)
class Recording(Generic[Given, Made]):
    """A recorded function of tensors: its inputs are copied to where the recording reads them."""

    inputs: Given
    layout: Hashable
    replay: Replay

    @classmethod
    def of(cls, function: Callable[[Given], Made], given: Given, record: Record) -> Recording[Given, Made]:
        """Record `function` on copies of these inputs."""
        copies: dict[int, Tensor] = {}
        inputs = map_tensors(lambda tensor: copies.setdefault(id(tensor), tensor.clone()), given)
        return cls(inputs, layout(given), record(lambda: function(inputs)))

    def __call__(self, given: Given) -> Made:
        """What the function returns for these inputs, which have the recorded layout."""
        for place, tensor in zip(tensors_of(self.inputs), tensors_of(given), strict=True):
            place.copy_(tensor)
        made: Made = self.replay()
        return made


def layout(given: object) -> Hashable:
    """Shapes, types and which of the tensors are one: what a recording can't change."""
    tensors = tensors_of(given)
    first = {id(tensor): at for at, tensor in reversed(list(enumerate(tensors)))}
    return tuple((first[id(tensor)], tuple(tensor.shape), tensor.dtype) for tensor in tensors)


@dataclass
class Turns:
    """Executes turns, from recordings where that is possible.

    `eager`: why turns are executed one operation at a time; None while they are recorded and replayed.
    """

    record: Record | None
    eager: str | None = None
    _seen: dict[Hashable, int] = field(default_factory=dict)
    _recordings: dict[Hashable, Recording[Any, Any]] = field(default_factory=dict)

    def __call__(self, key: Hashable, function: Callable[[Given], Made], given: Given) -> Made:
        """`function(given)`. Turns with the same key do the same to tensors that are given in the same layout.

        What else the function reads and changes must stay in its place in memory.
        """
        self._seen[key] = self._seen.get(key, 0) + 1
        if self.record is None or self.eager is not None or self._seen[key] <= WARM_UP:
            return function(given)
        try:
            if key not in self._recordings:
                self._recordings[key] = Recording.of(function, given, self.record)
        except Exception as error:  # of CUDA, or of a component that reads a value
            return self._give_up(f"recording failed with {type(error).__name__}: {error}", function, given)
        recording: Recording[Given, Made] = self._recordings[key]
        if recording.layout != layout(given):
            return self._give_up("the shapes of a turn change", function, given)
        return recording(given)

    def _give_up(self, reason: str, function: Callable[[Given], Made], given: Given) -> Made:
        self.eager = reason
        self._recordings.clear()
        return function(given)


def turns_of(spec: RunSpec, record: Record | None) -> Turns:
    """How the turns of such runs are executed."""
    if record is None:
        return Turns(None, NOT_RECORDED)
    if not spec.optimizer.capturable:
        return Turns(None, f"the rule of {spec.optimizer.notation()} computes on the host")
    if not spec.variant.capturable:
        return Turns(None, f"{spec.variant.kind()} is not capturable")
    return Turns(record)
