"""Workers on a Ray cluster: actors that hold worker processes, on machines that have passed the probe.

An actor that is lost is never restarted by Ray: `RayWorker.ready` makes a new one and waits for its place.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, RayTaskError, RuntimeEnvSetupError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganbench.errors import GanbenchError, RequestError
from ganbench.executors.base import CannotStart, MachineLost, WorkerFailed
from ganbench.executors.parts.pool import LOSSES, WorkerPool
from ganbench.executors.parts.probe import Probe, refused
from ganbench.executors.parts.remote import RemoteWorker, passed, received
from ganbench.runner import job
from ganbench.runner.events import Event, Noted
from ganbench.runner.settings import WorkerSettings, encode

LOOK = 3.0  # seconds between two looks at the head
HEAD_LOST = 10.0  # seconds without the head after which the command ends; Ray itself ends the process after 60
PROBING = 60.0  # seconds for a machine to answer the probe; its first process imports ganbench
REMARK = 30.0  # seconds without a place on the cluster after which this is said
ACTOR = {"max_restarts": 0, "max_task_retries": 0, "max_concurrency": 2}


@dataclass(frozen=True)
class Request:
    """What is asked of Ray: where it is, the resources of each worker, and their environment."""

    address: str
    actor: Mapping[str, Any]
    runtime_env: Mapping[str, Any]

    @property
    def needs(self) -> dict[str, float]:
        """The resources of a worker by Ray's names."""
        named = {"CPU": self.actor["num_cpus"], "GPU": self.actor["num_gpus"], **self.actor["resources"]}
        return {name: amount for name, amount in named.items() if amount}


class RayActor(RemoteWorker):
    """A remote worker that knows its node."""

    def node(self) -> str:
        return str(ray.get_runtime_context().get_node_id())


@dataclass
class RayCluster:
    """The machines of a cluster, and which of them were refused by the probe."""

    request: Request
    probe: Probe
    lost: threading.Event = field(default_factory=threading.Event)  # the head can't be reached any more
    refusals: dict[str, str | None] = field(default_factory=dict)  # of every machine that was tried, by its id
    unsaid: list[str] = field(default_factory=list)  # a sentence for each refusal that the user has not read yet
    probing: threading.Lock = field(default_factory=threading.Lock)

    def machines(self) -> dict[str, dict[str, Any]]:
        """Those that are up and large enough for a worker, by their id."""
        needs = self.request.needs
        nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        return {id_: n for id_, n in nodes.items() if all(n["Resources"].get(k, 0) >= v for k, v in needs.items())}

    def try_machines(self) -> None:
        """Probe the machines that are new."""
        with self.probing:
            new = {id_: node for id_, node in self.machines().items() if id_ not in self.refusals}
            answers = {id_: self._ask(id_) for id_ in new}
            self.refusals |= {id_: _answer(ref) for id_, ref in answers.items()}
            refused = {_name(node): self.refusals[id_] for id_, node in new.items() if self.refusals[id_]}
            self.unsaid += [f"{name} gets no jobs: {why}" for name, why in refused.items()]

    def none_left(self) -> str | None:
        """Why no machine can be used, where there are machines and all of them were refused."""
        machines = self.machines()
        why = [f"{_name(node)}: {self.refusals[id_]}" for id_, node in machines.items() if self.refusals.get(id_)]
        return "; ".join(why) if why and len(why) == len(machines) else None

    def share(self, node: str) -> float:
        """A worker's share of a machine: the largest of its shares of each resource."""
        has = self.machines().get(node, {"Resources": {}})["Resources"]
        return min(1.0, max((v / has[k] for k, v in self.request.needs.items() if has.get(k)), default=1.0))

    def actor(self) -> Any:
        """A new actor, which is placed on a machine that was not refused, as soon as there is room."""
        out = [id_ for id_, why in self.refusals.items() if why]
        labels = {"label_selector": {"ray.io/node-id": f"!in({','.join(out)})"}} if out else {}
        return ray.remote(RayActor).options(**ACTOR, **self.request.actor, **labels).remote()

    def _ask(self, node: str) -> Any:
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        task = ray.remote(refused).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        return task.remote(self.probe.encode())


@dataclass(eq=False)
class RayWorker:
    """The handle of an actor; see `WorkerHandle`."""

    cluster: RayCluster
    settings: WorkerSettings
    held: Any = None  # the actor, once it has been placed
    place: str = ""  # the name of its machine
    stopping: Any = None

    def ready(self) -> Iterator[Noted | None]:
        """Wait for a place on a machine that passes the probe. Raises `CannotStart` where there can be none."""
        failures = 0
        while self.held is None and not self.cluster.lost.is_set():
            self.cluster.try_machines()
            while self.cluster.unsaid:
                yield Noted(self.cluster.unsaid.pop())
            if reason := self.cluster.none_left():
                raise CannotStart(f"no machine of the cluster can be used: {reason}")
            actor = self.cluster.actor()
            try:
                node = actor.node.remote()
                yield from self._until_placed(node)
                self._start(actor, ray.get(node))
            except RuntimeEnvSetupError as error:
                raise CannotStart(f"Ray can't prepare the environment of a worker: {_last_line(error)}") from None
            except RayError as error:
                failures += 1
                if failures == LOSSES:
                    raise CannotStart(f"a worker can't be started on the cluster: {_last_line(error)}") from None
                time.sleep(1.0)  # a dead node may still be given actors for some seconds
                yield None
            finally:
                if self.held is not actor and not self.cluster.lost.is_set():
                    ray.kill(actor)

    def _until_placed(self, node: Any) -> Iterator[Noted | None]:
        needs = ", ".join(f"{amount:g} {name}" for name, amount in self.cluster.request.needs.items())
        remark = Noted(f"a worker waits for room on the Ray cluster: it needs {needs or 'a machine'}")
        until, said = time.monotonic() + REMARK, False
        while not ray.wait([node], timeout=1.0)[0]:
            late = not said and time.monotonic() > until
            yield remark if late else None
            said = said or late

    def _start(self, actor: Any, node: str) -> None:
        """Start the worker process where the actor was placed, unless that machine is new and fails the probe."""
        self.cluster.try_machines()
        if self.cluster.refusals.get(node):
            return
        own = replace(self.settings, share=self.cluster.share(node))
        if reason := ray.get(actor.start.remote(encode(own))):
            raise CannotStart(reason)
        self.place = next((_name(n) for n in ray.nodes() if n["NodeID"] == node), node)
        self.held = actor

    def do(self, todo: job.Job | job.EncodedJob) -> Iterator[Event]:
        """Stream the events of a job. Raises `WorkerFailed`; `MachineLost` where the actor is gone."""
        stream = self.held.do.options(num_returns="streaming").remote(job.encode(todo))
        try:
            yield from received(map(ray.get, stream))
        except (RayTaskError, OutOfMemoryError) as error:
            self.release()
            raise WorkerFailed(f"its worker can't be used: {_last_line(error)}") from None
        except RayError as error:
            self.release()
            raise MachineLost(f"the worker on {self.place} is gone ({type(error).__name__})") from None

    def ask_to_stop(self) -> None:
        """Let it save and end; see `wait`."""
        if self.held is not None:
            self.stopping = self.held.stop.remote()

    def wait(self, until: float) -> None:
        """Wait until its process has ended, but not for a cluster that is lost."""
        if self.stopping is not None and not self.cluster.lost.is_set():
            ray.wait([self.stopping], timeout=max(0.0, until - time.monotonic()))

    def release(self) -> None:
        """Give its place back. Its process ends with the actor."""
        actor, self.held = self.held, None
        if actor is not None and not self.cluster.lost.is_set():
            ray.kill(actor)


@contextmanager
def opened(request: Request, workers: Sequence[WorkerSettings], keep: bool) -> Iterator[WorkerPool]:
    """Workers on a cluster. Raises `RequestError` where it can't be reached or all its machines are refused."""
    with connected(request) as head, Probe.of(workers[0]) as probe:
        cluster = RayCluster(request, probe)
        cluster.try_machines()
        if reason := cluster.none_left():
            raise RequestError(f"the Ray cluster at {head}", f"no machine can be used: {reason}", "",
                               "repair one of them, then run the same line again")  # fmt: skip
        handles = [RayWorker(cluster, settings) for settings in workers]

        def end(error: Exception) -> None:
            cluster.lost.set()
            pool.abort(error)

        with WorkerPool.of(handles, workers[0].results, keep) as pool, watched(head, end):
            yield pool


@contextmanager
def connected(request: Request) -> Iterator[str]:
    """Be a driver of the cluster; yields the address of its head. SIGTERM keeps the handler that it had."""
    before, address = signal.getsignal(signal.SIGTERM), request.address
    variables = passed() | request.runtime_env.get("env_vars", {})
    where, todo = f"--on address={address}", "start one with `ray start --head`, or correct the address"
    try:
        if ":" in address:
            _reach(address)
        ray.init(address, log_to_driver=False, logging_level="ERROR",
                 runtime_env={**request.runtime_env, "env_vars": variables})  # fmt: skip
    except (OSError, ValueError) as error:
        given = f"there is no Ray cluster: {_last_line(error)}"
        raise RequestError(where, given, "allowed: auto, or HOST:PORT of the head", todo) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
    try:
        yield str(ray.get_runtime_context().gcs_address)
    finally:
        ray.shutdown()


@contextmanager
def watched(head: str, end: Callable[[Exception], None]) -> Iterator[None]:
    """Look at the head now and then; `end` is called once it can't be reached any more."""
    left = threading.Event()

    def look() -> None:
        seen = time.monotonic()
        while not left.wait(LOOK):
            with suppress(OSError):
                _reach(head)
                seen = time.monotonic()
            if time.monotonic() > seen + HEAD_LOST:
                given = f"it can't be reached for {HEAD_LOST:.0f} seconds; the runs in progress go on from their files"
                todo = "run the same line again when the cluster is up"
                end(GanbenchError(f"the head of the Ray cluster, {head}", given, "", todo))
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        left.set()


def _reach(address: str) -> None:
    """Open a connection. Raises `OSError`, and `ValueError` for what is no HOST:PORT."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=LOOK / 2).close()


def _answer(asked: Any) -> str | None:
    try:
        answer: str | None = ray.get(asked, timeout=PROBING)
        return answer
    except GetTimeoutError:
        return f"no answer within {PROBING:.0f} seconds"
    except RayError as error:
        return _last_line(error)


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
