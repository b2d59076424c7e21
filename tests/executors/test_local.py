"""Worker processes on this machine: a job that a worker can't read fails with the reason, and costs no worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganbench.executors.local import Local
from ganbench.plugins import Registry
from ganbench.results.store import State, Store
from ganbench.runner.events import Ended, Event, Noted, Progressed
from ganbench.runner.settings import WorkerSettings
from tests.support.jobs import JOB, SPEC
from tests.support.tiny import write_components


def test_a_job_that_cannot_be_read_fails_and_the_next_one_is_done(tmp_path: Path) -> None:
    tiny_gan = Registry.of(write_components(tmp_path)).find("variant", "tiny_gan")
    unknown = replace(JOB, specs=tuple(replace(SPEC, variant=tiny_gan(), seed=seed) for seed in (0, 1)))
    store = Store(tmp_path / "results").open()
    before = store.run(unknown.run_ids[1])
    before.write_state(State("done", step=20))
    heard: list[Event] = []
    ended = list(Local().run([unknown, JOB], [WorkerSettings(store.root)], heard.append))
    reason = "there is no variant 'tiny_gan'"
    assert [end.run_id for end in ended] == [*unknown.run_ids, *JOB.run_ids]
    assert [end.status for end in ended] == ["failed", "failed", "done"]
    assert all(reason in str(end.error) for end in ended[:2])
    folder = store.run(unknown.run_ids[0])
    state = folder.check()
    assert state is not None and state.status == "failed" and reason in str(state.error)
    assert folder.log_end(99)[0].startswith("Traceback")
    assert before.check() == State("done", step=20), "a finished run stays finished"
    assert not [event for event in heard if isinstance(event, Noted)], "no worker died"
    assert any(isinstance(event, Progressed) for event in heard)


def test_a_plugin_that_changed_fails_its_job(tmp_path: Path) -> None:
    """The worker reads another component under the same name: its run would have another id."""
    files = write_components(tmp_path)
    tiny_gan = Registry.of(files).find("variant", "tiny_gan")
    job = replace(JOB, specs=(replace(SPEC, variant=tiny_gan()),))
    files[0].write_text(files[0].read_text() + "\n# another file\n")
    settings = WorkerSettings(Store(tmp_path / "results").open().root, plugins=files)
    (ended,) = Local().run([job], [settings], lambda event: None)
    assert isinstance(ended, Ended) and (ended.run_id, ended.status) == (job.run_ids[0], "failed")
    assert "the file of a plug-in has changed" in str(ended.error)
