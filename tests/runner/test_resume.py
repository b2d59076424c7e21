"""A run whose checkpoint is older than its rows does the steps after it again, and keeps one row for each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from ganbench.executors.inline import Inline
from ganbench.results.store import RunFolder, Store
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from tests.support.jobs import JOB
from tests.support.rows import file_rows

MARKED = replace(JOB, marks=(5, 10, 20))


def fill(root: Path, job: Job) -> RunFolder:
    list(Inline().run([job], [WorkerSettings(Store(root).open().root, save_every=0.0)], lambda event: None))
    return Store(root).run(job.run_ids[0])


def scores(folder: RunFolder) -> dict[tuple[int, str], float]:
    return {(row["step"], row["metric"]): row["value"] for row in file_rows(folder, "scores.jsonl")}


def test_rows_after_the_checkpoint_are_written_again(tmp_path: Path) -> None:
    straight = fill(tmp_path / "straight", MARKED)
    folder = fill(tmp_path / "killed", replace(MARKED, until=5))
    checkpoint = folder.checkpoint().read_bytes()
    fill(tmp_path / "killed", replace(MARKED, until=10))
    state = folder.state()
    assert state is not None and state.step == 10 and {10} <= {row["step"] for row in file_rows(folder, "scores.jsonl")}
    folder.checkpoint().write_bytes(checkpoint)  # as if the run had been killed before it could save again
    fill(tmp_path / "killed", MARKED)
    assert scores(folder) == scores(straight)
    assert Counter(row["step"] for row in file_rows(folder, "terms.jsonl")) == Counter(range(1, 21))
    rows = Counter((row["step"], row["metric"]) for row in file_rows(folder, "scores.jsonl"))
    assert set(rows.values()) == {1} and {step for step, _ in rows} == {5, 10, 20}
    final = folder.check()
    assert final is not None and set(map(tuple, final.scored.values())) == {(5, 10, 20)}
