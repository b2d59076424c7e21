"""Runs jobs one after the other in this process: for debugging, and for machines without subprocesses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import torch

from ganbench.executors.base import Event, Outcome, Site
from ganbench.results.store import Store
from ganbench.runner.job import Job
from ganbench.runner.worker import Context, fill

POLL = 1.0  # seconds between looks at a run that another process fills


@dataclass(frozen=True)
class Inline:
    """An executor of one worker: this process, on the site's first device."""

    site: Site

    def run(self, jobs: Iterable[Job], listen: Callable[[Event], None]) -> Generator[Outcome, None, None]:
        torch.set_num_threads(self.site.threads)
        todo, events = deque(jobs), list[Event]()
        context = self._context(events, listen)
        while todo:
            job = todo.popleft()
            events.clear()
            fill(job, context)
            if any(event["event"] == "busy" for event in events):
                todo.append(job)
                time.sleep(POLL)
            for event in events:
                if event["event"] == "end":
                    yield Outcome.of(event)

    def _context(self, events: list[Event], listen: Callable[[Event], None]) -> Context:
        def emit(event: Event) -> None:
            events.append(event)
            listen(event)

        site = self.site
        return Context(Store(site.results), site.data, site.devices[0], emit, site.inception, site.save_every)
