"""Results folders are joined: what is kept of a run that several have, what is a conflict, and what a kill leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.errors import RequestError
from ganbench.results import transfer
from ganbench.results.files import write_bytes
from ganbench.results.manifest import read_manifest, write_manifest
from ganbench.results.merge import MergePlan, Source, carry_out, plan_merge
from ganbench.results.store import RunFolder, State, Store
from ganbench.results.table import tidy
from tests.support.synthetic import Run, write_suite

Folder = Callable[..., Store]


def seeds(*numbers: int, variant: str = "ns", status: str = "done") -> list[Run]:
    return [Run(variant=variant, seed=n, status=status, curves={"fd_pixels": [20.0, 10.0 + n]}) for n in numbers]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A results folder of the suite `study` with some runs."""
    return lambda name, runs, **manifest: write_suite(tmp_path / name, runs, **manifest)


def planned(*stores: Store, into: Store | None = None, prefer: Store | None = None) -> MergePlan:
    sources = [Source(store.root.name, store) for store in stores]
    return plan_merge(sources, into or Store(stores[0].root.parent / "merged"), prefer.root.name if prefer else None)


def change(folder: RunFolder, **values: object) -> None:
    """Change the last score of a run, and seal it as the machine does that measured another value."""
    state, path = folder.state(), folder.path / "scores.jsonl"
    assert state is not None
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows[:-1], rows[-1] | values]))
    folder.write_state(state)


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix not in (".lock",)
    }


def test_the_union_is_what_one_folder_would_hold(folder: Folder) -> None:
    both = [*seeds(0, 1, 2, 3), *seeds(0, 1, variant="lsgan")]
    whole = folder("whole", both)
    first, second = folder("a", [*both[:2], *both[4:]]), folder("b", both[2:4])
    plan = planned(first, second)
    assert not plan.conflicts and not plan.left_out and len(plan.to_copy) == 6
    assert not plan.into.root.exists(), "planning writes nothing"
    assert carry_out(plan) == ()
    assert tidy(plan.into, "study").equals(tidy(whole, "study"))
    assert list(read_manifest(plan.into, "study").runs) == [run.run_id for run in both], "the suite's order"


def test_runs_that_both_have_are_kept_once(folder: Folder) -> None:
    """Times, hosts and logs of two machines differ; the numbers count."""
    first, second = folder("a", seeds(0, 1)), folder("b", seeds(1, 2))
    shared = second.run(seeds(1)[0].run_id)
    change(shared, time=1.8e9)
    shared.log("of another machine")
    plan = planned(first, second)
    assert not plan.conflicts and [record.owner for record in plan.chosen.values()] == ["a", "a", "b"]


def test_the_complete_run_wins(folder: Folder) -> None:
    first, second = folder("a", seeds(0, status="running")), folder("b", seeds(0, status="diverged"))
    assert [record.owner for record in planned(first, second).chosen.values()] == ["b"]
    assert [record.owner for record in planned(second, first).chosen.values()] == ["b"]


def test_of_two_unfinished_runs_the_later_one_wins(folder: Folder) -> None:
    first, second = folder("a", seeds(0, status="running")), folder("b", seeds(0, status="failed"))
    run = second.run(seeds(0)[0].run_id)
    run.write_state(replace(run.state() or State("failed"), step=5000))
    assert [record.owner for record in planned(first, second).chosen.values()] == ["b"]


def test_the_run_with_more_scores_wins(folder: Folder) -> None:
    more = [replace(run, curves=run.curves | {"hq": [0.5, 0.9]}) for run in seeds(0)]
    plan = planned(folder("a", seeds(0)), folder("b", more))
    assert not plan.conflicts and [record.owner for record in plan.chosen.values()] == ["b"]


CHANGES = {
    "the value of fd_pixels at step 2000 is 10.0 and 10.5": {"value": 10.5},
    "the n of fd_pixels at step 2000 is 1000 and 999": {"n": 999},
    "the fingerprint of fd_pixels at step 2000 is dtype float64 and float32": {
        "fingerprint": {"extractor": "pixels", "dtype": "float32", "evaluator_version": "1"}
    },
}


@pytest.mark.parametrize("text", CHANGES)
def test_contradicting_scores_are_a_conflict(folder: Folder, text: str) -> None:
    first, second = folder("a", seeds(0, 1)), folder("b", seeds(0, 1))
    run = second.run(seeds(0)[0].run_id)
    change(run, **CHANGES[text])
    plan = planned(first, second)
    assert plan.conflicts == (f"{run.run_id}: a and b differ: scores.jsonl: {text}",)
    assert not plan.into.root.exists()


def test_another_ending_and_other_curves_are_conflicts(folder: Folder) -> None:
    first, second = folder("a", seeds(0, 1)), folder("b", [*seeds(0, status="diverged"), *seeds(1)])
    for store, term in ((first, 0.1), (second, 0.2)):
        run = store.run(seeds(1)[0].run_id)
        run.append("terms.jsonl", [{"step": 100, "time": 1.0, "terms": {"d/real": term}}])
        run.write_state(run.state() or State("done"))
    assert [text.partition("differ: ")[2] for text in planned(first, second).conflicts] == [
        "state.json: status is done and diverged",
        "terms.jsonl: d/real at step 100 is 0.1 and 0.2",
    ]


def test_each_with_a_score_of_its_own_is_a_conflict(folder: Folder) -> None:
    runs = [Run(curves={"fd_pixels": [1.0]}), Run(curves={"hq": [0.5]})]
    (text,) = planned(*(folder(name, [run]) for name, run in zip("ab", runs, strict=True))).conflicts
    assert text.endswith("only the first has fd_pixels at step 1000, and only the second hq at step 1000")


def test_the_preferred_folder_decides_and_keeps_deciding(folder: Folder) -> None:
    first, second = folder("a", seeds(0, 1)), folder("b", seeds(0, 1))
    change(second.run(seeds(0)[0].run_id), value=10.5)
    plan = planned(first, second, prefer=second)
    assert [record.owner for record in plan.chosen.values()] == ["b", "a"]
    carry_out(plan)
    assert planned(first, second, prefer=second).to_copy == [], "the same line again copies nothing"
    assert planned(first, second).conflicts, "what the merged folder holds is not replaced without a word"


def test_one_of_the_folders_can_be_the_merged_one(folder: Folder) -> None:
    first, second = folder("a", seeds(0, 1)), folder("b", seeds(1, 2))
    before = contents(first.root)
    plan = planned(second, into=first)
    assert [record.folder.run_id for record in plan.to_copy] == [seeds(2)[0].run_id]
    carry_out(plan)
    after = contents(first.root)
    assert {name: after[name] for name in before if name != "suites/study.json"} == {
        name: content for name, content in before.items() if name != "suites/study.json"
    }
    assert set(tidy(first, "study")["status"]) == {"done"} and len(set(tidy(first, "study")["run_id"])) == 3


def test_the_first_of_the_folders_can_be_the_merged_one(folder: Folder) -> None:
    first, second = folder("a", seeds(0)), folder("b", seeds(1))
    plan = planned(first, second, into=Store(first.root))
    assert len(plan.chosen) == 2 and len(plan.to_copy) == 1


def test_damaged_runs_are_left_out_and_named(folder: Folder) -> None:
    first, second = folder("a", seeds(0, 1)), folder("b", seeds(1))
    for store, number in ((first, 0), (first, 1)):
        (store.run(seeds(number)[0].run_id).path / "scores.jsonl").write_text("{}\n")
    plan = planned(first, second)
    assert [record.owner for record in plan.chosen.values()] == ["b"], "the undamaged copy is taken"
    assert len(plan.left_out) == 2 and all("/a/runs/" in text and "does not match the seal" in text
                                           for text in plan.left_out)  # fmt: skip
    carry_out(plan)
    assert set(tidy(plan.into, "study")["status"]) == {"missing", "done"}


def test_a_run_in_progress_is_left_out_and_named(folder: Folder) -> None:
    first, second = folder("a", seeds(0, status="running")), folder("b", seeds(1))
    with first.run(seeds(0)[0].run_id).lock():
        plan = planned(first, second)
        (text,) = plan.left_out
        assert len(plan.chosen) == 1 and text.endswith("a process is filling it")
    assert len(planned(first, second).chosen) == 2


def test_a_run_that_a_process_fills_meanwhile_is_not_replaced(folder: Folder) -> None:
    first, second = folder("a", seeds(0, status="running")), folder("b", seeds(0))
    plan = planned(first, second, into=first)
    with first.run(seeds(0)[0].run_id).lock():
        (text,) = carry_out(plan)
    assert "a process is filling it. merge again" in text
    assert carry_out(plan) == () and set(tidy(first, "study")["status"]) == {"done"}


def test_a_source_that_changes_meanwhile_is_not_trusted(folder: Folder) -> None:
    first = folder("a", seeds(0))
    plan = planned(first)
    (first.run(seeds(0)[0].run_id).path / "scores.jsonl").write_text("")
    (text,) = carry_out(plan)
    assert "does not match the seal" in text and set(tidy(plan.into, "study")["status"]) == {"missing"}


def test_links_and_foreign_files_are_not_copied(folder: Folder, tmp_path: Path) -> None:
    first = folder("a", seeds(0))
    run = first.run(seeds(0)[0].run_id)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (run.path / "samples").mkdir()
    (run.path / "samples" / "100.png").write_bytes(b"picture")
    (run.path / "samples" / "200.png").symlink_to(tmp_path / "secret.png")
    (run.path / "checkpoints").symlink_to(tmp_path)
    (run.path / "mlflow.json").write_text("{}")
    (run.path / ".state.json.0123456789abcdef.tmp").write_text("{}")
    plan = planned(first)
    carry_out(plan)
    copied = contents(plan.into.run(run.run_id).path)
    assert set(copied) == {"spec.json", "state.json", "scores.jsonl", "log.txt", "samples/100.png"}


def test_a_killed_merge_is_completed_by_the_same_line(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed at its first write, then again at its second, and so on until it needs no more."""
    first, second, whole = folder("a", seeds(0, 1)), folder("b", seeds(1, 2)), folder("whole", seeds(0, 1, 2))
    kills, writes = 0, 0

    def fragile(path: Path, content: bytes | memoryview) -> None:
        nonlocal writes
        writes += 1
        if writes > kills:
            raise KeyboardInterrupt
        write_bytes(path, content)

    monkeypatch.setattr(transfer, "write_bytes", fragile)
    while kills < 100:
        writes = 0
        plan = planned(first, second)
        assert not plan.conflicts and not plan.left_out, plan
        try:
            carry_out(plan)
            break
        except KeyboardInterrupt:
            kills += 1
    assert 3 < kills < 100
    assert tidy(Store(first.root.parent / "merged"), "study").equals(tidy(whole, "study"))


# --- manifests ---


def test_differing_rules_are_a_conflict_and_can_be_preferred(folder: Folder) -> None:
    first, second = folder("a", seeds(0)), folder("b", seeds(1), select="tail")
    assert planned(first, second).conflicts == ("suite study: a and b differ in `select`: last and tail",)
    plan = planned(first, second, prefer=second)
    assert not plan.conflicts and [manifest.select for manifest in plan.manifests] == ["tail"]
    assert len(plan.manifests[0].runs) == 2


def test_other_marks_of_a_run_are_a_conflict(folder: Folder) -> None:
    run = seeds(0)[0]
    first, second = folder("a", [run]), folder("b", [run], marks={run.run_id: [500]})
    (text,) = planned(first, second).conflicts
    assert text == f"suite study: a and b score {run.run_id} at other steps: [1000, 2000] and [500]"


def test_other_metrics_name_the_first_that_differs(folder: Folder) -> None:
    metrics = {"fd_pixels": {"better": "neither", "low": 0.0, "high": None}}
    (text,) = planned(folder("a", seeds(0)), folder("b", seeds(1), metrics=metrics)).conflicts
    assert text.startswith("suite study: a and b differ in `metrics`: fd_pixels: MetricInfo(better='lower'")


def test_packs_are_those_in_which_the_kept_runs_were_begun(folder: Folder) -> None:
    """a planned seeds 0 and 1 together and began neither; b has done seed 1 alone."""
    ids = [run.run_id for run in seeds(0, 1)]
    first = folder("a", [replace(run, status="missing") for run in seeds(0, 1)], packs={i: [0, 1] for i in ids})
    second = folder("b", seeds(1), packs={ids[1]: [1]})
    run = second.run(ids[1])
    run.write_json("env.json", {"pack": [1]})
    run.write_state(run.state() or State("done"))
    (manifest,) = planned(first, second).manifests
    assert manifest.packs == {ids[0]: (0, 1), ids[1]: (1,)}


def test_a_damaged_manifest_is_left_out_and_named(folder: Folder) -> None:
    first, second = folder("a", seeds(0)), folder("b", seeds(1))
    first.manifest_path("study").write_text("{")
    plan = planned(first, second)
    assert "a/suites/study.json: damaged" in plan.left_out[0]
    assert len(plan.manifests) == 1 and len(plan.chosen) == 2


def test_runs_that_are_planned_meanwhile_stay_in_the_manifest(folder: Folder) -> None:
    first, second = folder("a", seeds(0)), folder("b", seeds(1))
    plan = planned(second, into=first)
    own = read_manifest(folder("c", seeds(0, 7)), "study")
    write_manifest(first, own)
    carry_out(plan)
    assert list(read_manifest(first, "study").runs) == [run.run_id for run in seeds(0, 1, 7)]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there are no results in it\. .*\. correct the name"):
        planned(Store(tmp_path / "absent"))
