"""The probe of another machine: what it must see, and what it is refused for."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.executors.parts import probe as probes
from ganbench.executors.parts.probe import Probe, refused
from ganbench.runner.settings import WorkerSettings


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    with Probe.of(WorkerSettings(tmp_path, plugins=(tmp_path / "my_gan.py",))) as probe:
        (tmp_path / "my_gan.py").touch()
        yield probe
    assert [path.name for path in tmp_path.iterdir()] == ["my_gan.py"], "nothing is left"


def test_a_machine_that_sees_all_may_work(probe: Probe) -> None:
    assert refused(probe.encode()) is None


def test_a_machine_is_refused_for_what_it_lacks(probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE", 0.0)
    assert "torch" in str(replace(probe, torch="0.1").refusal()) and "ganbench" in str(
        replace(probe, ganbench="0").refusal()
    )
    lacking = replace(probe, paths=(*probe.paths, str(tmp_path / "data")))
    assert lacking.refusal() == f"there is no {tmp_path / 'data'}; all machines need these paths"
    assert "another folder there" in str(replace(probe, nonce="other").refusal())
    assert "another folder there" in str(replace(probe, locked=str(tmp_path / "absent")).refusal())


def test_a_machine_whose_locks_are_its_own_is_refused(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert "nolock and local_lock" in str(probe.refusal())


def test_a_machine_without_locks_is_refused(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: Any) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert probe.refusal() == "files can't be locked there: Function not implemented"
