"""Turns recorded on the CPU: their operations on tensors, repeated without the losses, `vmap` and autograd.

A step of a small network is hundreds of operations, and deciding in Python which they are takes as long as they do. The
operations and their order stay the same, and so do the numbers, bit for bit.

Like a CUDA graph, a tape refuses a function in which Python reads a tensor's value or makes a tensor of its own
numbers. What else Python decides would be frozen: numbers given to operations, and which operations there are. So a
function is recorded twice, and refused if that gives different tapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from ganbench.training.operation import Operation, changed, place, tensors
from ganbench.training.packs import map_tensors, tensors_of
from ganbench.training.program import program

MOST_BYTES = 2**29  # that an update may make, since a recording keeps all of it for a moment
BY_VALUES = {torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output}  # what an operation returns to Python


@dataclass
class Tape:
    """Operations in their order, and what is needed to undo what they changed in place."""

    operations: list[Operation] = field(default_factory=list)
    _before: dict[int, tuple[UntypedStorage, UntypedStorage]] = field(default_factory=dict)  # changed; its old contents
    _made: set[int] = field(default_factory=set)  # storages of results
    _size: int = 0  # of them, in bytes; while it is recorded, a tape keeps them all

    def execute(self, call: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Execute and record an operation. Raises `RuntimeError` for one that a recording can't hold."""
        if _leaves_the_device(call, args):
            raise RuntimeError(f"operation not permitted in a recording: {call._schema.name}")
        self._keep(changed(call, args, kwargs))
        done = Operation.executed(call, args, kwargs)
        self.operations.append(done)
        if not done.is_view:
            self._made |= {place(tensor) for tensor in done.results}
            self._size += sum(tensor.nbytes for tensor in done.results)
        if self._size > MOST_BYTES:
            raise RuntimeError(
                f"an update makes more than {MOST_BYTES >> 20} MiB of tensors, which a recording would keep"
            )
        return done.result

    def undo(self) -> None:
        """Restore what was changed in place, as recording changes nothing."""
        for storage, contents in self._before.values():
            storage.copy_(contents)

    def text(self) -> list[str]:
        """Every operation with its arguments: a result by its number, a tensor from before by its place in memory."""
        made: dict[int, int] = {}

        def name(tensor: Tensor) -> str:
            before = f"{tensor.data_ptr()} {tuple(tensor.shape)}"
            return f"result {made[id(tensor)]}" if id(tensor) in made else before

        lines = []
        for done in self.operations:
            lines.append(f"{done.call} {tree_map_only(Tensor, name, (done.args, done.kwargs))}")
            made |= {id(tensor): len(made) + at for at, tensor in enumerate(done.results)}
        return lines

    def _keep(self, written: list[Tensor]) -> None:
        for tensor in written:
            if (at := place(tensor)) not in self._made | self._before.keys():
                storage = tensor.untyped_storage()
                self._before[at] = storage, storage.clone()


class _Recorder(TorchDispatchMode):
    """Records on a tape what is executed while it is entered."""

    tape: Tape

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would load its compiler, for seconds, only to keep out of its way

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.namespace == "profiler":
            return func(*args, **(kwargs or {}))
        return self.tape.execute(func, args, kwargs or {})


def tape(function: Callable[[], Any]) -> Callable[[], Any]:
    """`function` as a tape: the `Record` of the CPU.

    Raises `RuntimeError` if the function reads a tensor's value, makes a tensor of Python's numbers, or is not the same
    each time.
    """
    first = _recorded(function)[1].text()  # which keeps no tensor
    made, last = _recorded(function)
    if first != last.text():
        raise RuntimeError("the operations of an update, or numbers given to them, change from one to the next")
    repeat = program(last.operations, tensors_of(made))

    def replay() -> Any:
        with torch.no_grad():
            results = iter(repeat())
        return map_tensors(lambda _: next(results), made)

    return replay


def _recorded(function: Callable[[], Any]) -> tuple[Any, Tape]:
    """What a function makes, and its tape; what it changed in place is as before."""
    make: Callable[[], _Recorder] = _Recorder  # the constructor is torch's, without types
    recorder = make()
    recorder.tape = recorded = Tape()
    try:
        with recorder:
            made = function()
    finally:
        with torch.no_grad():
            recorded.undo()
    return made, recorded


def _leaves_the_device(call: Any, args: Sequence[Any]) -> bool:
    """Whether Python sees values of tensors, as a number or a shape, or gives numbers of its own."""
    if call == torch.ops.aten.index.Tensor:
        return any(each.dtype in (torch.bool, torch.uint8) for each in tensors(args[1]))  # masks
    return call == torch.ops.aten.lift_fresh.default or not BY_VALUES.isdisjoint(call.tags)
