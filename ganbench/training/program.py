"""The operations of a tape as a program that does nothing else, without what needs to be done only once.

Two things are left out, which change no number:

- Chains of views. Each view that an operation needs is taken from the tensor whose memory it shows, in one call.
- Zeros that are only a background, on which the same places are written each time. They are made once.

One thing is added. What chooses between numbers is slow where its arguments lie in different orders in memory, as the
maps of a convolution and the vectors of a linear layer do: ten times slower than after a copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_map_only

from ganbench.training.bands import PRODUCT, product
from ganbench.training.operation import Layout, Operation, place

ZEROS = {torch.ops.aten.new_zeros.default, torch.ops.aten.zeros.default, torch.ops.aten.zeros_like.default}
CHOICES = {torch.ops.aten.leaky_relu_backward.default, torch.ops.aten.threshold_backward.default}
DIRECT = {PRODUCT: product}  # functions of Python, without the way through torch


class ViewBase(NamedTuple):
    """A result whose memory later ones show."""

    node: fx.Node
    layout: Layout
    dtype: torch.dtype


@dataclass
class Program:
    """Operations as a graph. Its inputs are the tensors that were there before them, and backgrounds."""

    backgrounds: set[int] = field(default_factory=set)  # places of zeros
    graph: fx.Graph = field(default_factory=fx.Graph)
    inputs: list[Tensor] = field(default_factory=list)
    _nodes: dict[int, fx.Node] = field(default_factory=dict)  # by the tensor's id, of inputs and results
    _results: set[int] = field(default_factory=set)  # ids, of views too
    _bases: dict[int, ViewBase] = field(default_factory=dict)  # by place: the first result that lies there
    _views: dict[int, Layout] = field(default_factory=dict)  # by the tensor's id

    def add(self, done: Operation) -> None:
        """Add an operation, unless its result stays as it is: a tensor that was there before, in another shape."""
        in_place = torch.Tag.inplace_view in done.call.tags
        is_new = any(id(tensor) in self._results for tensor in done.given)
        if not is_new and (done.is_view or in_place):
            return
        if done.call in ZEROS and place(done.result) in self.backgrounds:
            return
        made = done.given[:1] if in_place else done.results
        if made and all(map(self._is_view, made)):
            for tensor, layout in zip(made, done.layouts, strict=True):
                self._nodes.pop(id(tensor), None)  # of its shape before
                self._views[id(tensor)] = layout
                self._results.add(id(tensor))
        else:
            self._call(done)

    def _is_view(self, result: Tensor) -> bool:
        """Whether a tensor shows numbers as they lie in the memory of an earlier result."""
        base = self._bases.get(place(result))
        return base is not None and base.dtype == result.dtype and not result.is_conj() and not result.is_neg()

    def _call(self, done: Operation) -> None:
        args, kwargs = tree_map_only(Tensor, self.node, (tuple(done.args), done.kwargs))
        if done.call in CHOICES:
            args = tuple(self._in_order(node, of, done.layouts[0]) for node, of in zip(args, done.args, strict=True))
        node = self.graph.call_function(DIRECT.get(done.call, done.call), args, kwargs)
        several, layouts = isinstance(done.result, tuple | list), iter(done.layouts)
        for at, result in enumerate(done.result if several else [done.result]):
            layout = next(layouts) if isinstance(result, Tensor) else None
            if layout is not None and any(result is tensor for tensor in done.results):
                own = self.graph.call_function(operator.getitem, (node, at)) if several else node
                self._nodes[id(result)] = own
                self._results.add(id(result))
                self._bases.setdefault(place(result), ViewBase(own, layout, result.dtype))

    def _in_order(self, node: Any, of: Any, layout: Layout) -> Any:
        """An argument of an operation; a tensor lies in memory as the layout says."""
        size, stride, _ = layout
        if not isinstance(of, Tensor) or of.shape != size or of.stride() == stride:
            return node
        made = self.graph.call_function(torch.empty_strided, (size, stride), {"dtype": of.dtype, "device": of.device})
        return self.graph.call_function(torch.ops.aten.copy_.default, (made, node))

    def node(self, tensor: Tensor) -> fx.Node:
        """The node of a tensor; one that no operation returned is an input."""
        key = id(tensor)
        if key not in self._nodes and key in self._views:
            base, layout = self._bases[place(tensor)], self._views[key]
            is_whole = layout == base.layout
            shown = base.node if is_whole else self.graph.call_function(torch.as_strided, (base.node, *layout))
            self._nodes[key] = shown
        elif key not in self._nodes:
            with self.graph.inserting_before():  # everything else
                self._nodes[key] = self.graph.placeholder(f"input_{len(self.inputs)}")
            self.inputs.insert(0, tensor.detach())
        return self._nodes[key]

    def output(self, tensor: Tensor) -> fx.Node:
        """The node of a tensor that is returned, never an input itself."""
        node = self.node(tensor)
        return node if id(tensor) in self._results else self.graph.call_function(torch.ops.aten.clone.default, (node,))


def program(operations: Sequence[Operation], returned: Sequence[Tensor]) -> Callable[[], Sequence[Tensor]]:
    """The operations as a function of Python, which returns new values of these tensors."""
    made = Program(_backgrounds(operations))
    for done in operations:
        made.add(done)
    made.graph.output(tuple(map(made.output, returned)))
    code = made.graph.python_code("self")
    scope: dict[str, Any] = {}
    exec(code.src, code.globals, scope)
    return partial(scope["forward"], None, *made.inputs)


def _backgrounds(operations: Sequence[Operation]) -> set[int]:
    """The places of zeros that are only copied onto, and only read when that is done."""
    is_read: dict[int, bool] = {}  # by place
    for done in operations:
        if done.call in ZEROS:
            is_read[place(done.result)] = False
            continue
        given, changed = list(map(place, done.given)), set(map(place, done.changed))
        for at in is_read.keys() & set(given):
            copied_onto = done.call == torch.ops.aten.copy_.default and given.count(at) == 1
            if at in changed and (is_read[at] or not copied_onto):
                del is_read[at]
            elif at not in changed and not done.is_view:
                is_read[at] = True
    return set(is_read)
