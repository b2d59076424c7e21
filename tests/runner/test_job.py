"""Jobs cross the pipe to a worker as JSON."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ganbench.errors import RequestError
from ganbench.evaluators.fid import FID
from ganbench.evaluators.modes import ModeCoverage
from ganbench.penalties.none import NoPenalty
from ganbench.penalties.r1 import R1Penalty
from ganbench.plugins import Registry
from ganbench.runner.job import FAMILIES, EncodedJob, Job, decode, encode, score_key
from ganbench.spec import Arithmetic, ExtendedRunSpec, RunSpec, Schedule, run_spec
from tests.support.jobs import JOB, SPEC
from tests.support.tiny import write_components

SCHEDULE = Schedule(order="g_first", d_steps=2, g_steps=3, reuse_z=True)


def sent(job: Job, registry: Registry | None = None) -> Job:
    return decode(encode(job), registry or Registry())


def test_a_job_arrives_as_it_was_sent() -> None:
    specs = tuple(replace(SPEC, seed=seed, schedule=SCHEDULE, steps=40) for seed in (0, 7, 2**32 - 1))
    job = Job(specs, (10, 20, 40), 500, (ModeCoverage(within=2.5), FID(features="pixels", reference=30)))
    assert sent(job) == job and sent(job).run_ids == job.run_ids
    assert sent(JOB) == JOB


def test_an_encoded_job_says_the_same_of_its_runs() -> None:
    for pack in ((), (2, 3, 5)):
        job = replace(JOB, specs=(replace(SPEC, seed=3), replace(SPEC, seed=5)), pack=pack)
        same = EncodedJob(encode(job))
        assert (same.run_ids, same.seed_of, same.pack, same.seeds) == (job.run_ids, job.seed_of, job.pack, job.seeds)
        part = same.part(job.run_ids[1:], (5,)).backing_off(True)
        assert decode(encode(part), Registry()) == replace(job, specs=job.specs[1:], pack=(5,), backs_off=True)
        assert same.cell == EncodedJob(encode(replace(job, specs=(SPEC,)))).cell


def test_every_field_of_a_spec_is_sent() -> None:
    assert json.loads(encode(JOB))["specs"][0].keys() == {f.name for f in fields(RunSpec)}
    assert {f.name for f in fields(ExtendedRunSpec)} >= set(FAMILIES)


def test_the_arithmetic_of_a_run_arrives() -> None:
    for arithmetic in (Arithmetic(precision="bf16"), Arithmetic(memory_format="channels_last"), Arithmetic()):
        job = replace(JOB, specs=(run_spec(arithmetic=arithmetic, **vars(SPEC)),))
        assert sent(job) == job and sent(job).specs[0].arithmetic == arithmetic


def test_the_penalty_of_a_run_arrives() -> None:
    for penalty in (R1Penalty(every=16), NoPenalty()):
        job = replace(JOB, specs=(run_spec(penalty=penalty, **vars(SPEC)),))
        assert sent(job) == job and sent(job).specs[0].penalty == (penalty if penalty != NoPenalty() else None)


def test_a_users_own_components_arrive(tmp_path: Path) -> None:
    registry = Registry.of(write_components(tmp_path))
    variant = registry.find("variant", "tiny_gan")(weight=2.5, widths=(4, 4))  # type: ignore[call-arg]
    job = replace(JOB, specs=(replace(SPEC, variant=variant),))
    assert sent(job, registry) == job
    assert sent(job, registry).specs[0].variant.digest == variant.digest != ""
    with pytest.raises(RequestError, match="there is no variant 'tiny_gan'"):
        sent(job)


def test_scores_are_kept_by_protocol_version_and_samples() -> None:
    assert score_key(ModeCoverage(within=2.5), 500) == "modes[within=2.5] v1 n=500"
    assert list(replace(JOB, samples=9).wanted()) == ["modes v1 n=9"]
    keys = {score_key(e, n) for e in (ModeCoverage(), ModeCoverage(at_least=2)) for n in (1, 2)}
    assert len(keys) == 4
