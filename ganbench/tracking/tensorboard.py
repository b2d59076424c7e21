"""The hook `tensorboard`: the scores of each run as event files in a folder of its own.

It writes below `tensorboard/` in the results folder; `tensorboard --logdir results/tensorboard` shows them. It needs
`pip install 'ganbench[tensorboard]'`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.results.names import path_in
from ganbench.tracking.hooks import Hook, TrackedRun

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter


class TensorBoard(Hook):
    """Writes the scores of each run as scalars under the names of their metrics."""

    def __init__(self) -> None:
        if find_spec("tensorboard") is None:
            todo = "pip install 'ganbench[tensorboard]'"
            raise RequestError("--hook tensorboard", "the package tensorboard is not installed", todo=todo)
        self._writers: dict[str, EventFileWriter] = {}

    def on_run_start(self, run: TrackedRun) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = path_in(path_in(run.path.parent.parent / "tensorboard", run.suite), run.run_id)
        self._writers[run.run_id] = EventFileWriter(str(folder))

    def on_scores(self, run: TrackedRun, step: int, scores: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in scores.items()]
        writer = self._writers[run.run_id]
        writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        writer.flush()

    def on_run_end(self, run: TrackedRun, status: str) -> None:
        self._writers.pop(run.run_id).close()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
