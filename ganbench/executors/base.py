"""What an executor is: it decides where workers run, and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.component import Component

if TYPE_CHECKING:
    from ganbench.runner.events import Ended, Listen
    from ganbench.runner.job import Job
    from ganbench.runner.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class Executor(Component):
    """Does jobs. Its fields say how it starts workers; what a worker needs to know comes as `WorkerSettings`."""

    @abstractmethod
    def run(
        self, jobs: Iterable[Job], workers: Sequence[WorkerSettings], listen: Listen
    ) -> Generator[Ended, None, None]:
        """Do jobs in so many workers and yield how every run of theirs ended, in any order; `listen` gets other events.

        Closing the generator early (Ctrl-C) stops the workers after they have saved what they were doing.
        """
