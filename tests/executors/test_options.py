"""`--on`: the options of an executor, from the command line and from a file, and what a user is told of mistakes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ganbench.errors import RequestError
from ganbench.executors.local import Local
from ganbench.executors.parts.remote import passed
from ganbench.executors.ray import Ray
from ganbench.executors.slurm import Slurm
from ganbench.runner.settings import WorkerSettings
from ganbench.suite import read_executor


def test_options_come_from_the_line_and_from_files(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("partition: gpu\ntime: 240\ncpus-per-task: 2\nsbatch: {mail-type: END}\n")
    read = read_executor("slurm", [str(file), "time=4:00:00", "gres=gpu:1"])
    assert read == Slurm(partition="gpu", time="4:00:00", cpus_per_task=2, gres="gpu:1", sbatch={"mail-type": "END"})
    assert read_executor("slurm", ["cpus-per-task=4", "sbatch.nice=10"]) == Slurm(cpus_per_task=4, sbatch={"nice": 10})
    ray = read_executor("ray", ["address=head:6379", "num_gpus=1", "resources.lab=1"])
    assert ray == Ray(address="head:6379", num_gpus=1, resources={"lab": 1.0})
    assert read_executor("local", []) == Local()


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("slurm", "partitoin=gpu", "executor slurm has no option 'partitoin'"),
        ("slurm", "detach=true", "executor slurm has no option 'detach'"),
        ("ray", "num_gpus=2", "num_gpus = 2 must be"),
        ("ray", "absent.yaml", "absent.yaml"),
        ("local", "time=3", "executor local has no option 'time'"),
        ("ray", "=3", "it is not KEY=VALUE"),
    ],
)
def test_a_mistake_is_named(kind: str, given: str, message: str) -> None:
    with pytest.raises(RequestError) as raised:
        read_executor(kind, [given])
    assert message in str(raised.value)


def test_a_close_word_is_offered() -> None:
    with pytest.raises(RequestError, match="did you mean 'partition'"):
        read_executor("slurm", ["partitoin=gpu"])


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("- gpu\n")
    with pytest.raises(RequestError, match="must be a mapping"):
        read_executor("slurm", [str(file)])


def test_without_the_package_ray_the_request_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ganbench.executors.parts.ray_cluster", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    message = r"ray is not installed. install it: pip install 'ganbench\[ray\]'"
    with pytest.raises(RequestError, match=message), Ray().open([WorkerSettings(tmp_path)]):
        pass


def test_only_slurm_can_be_detached() -> None:
    assert Slurm().detached() == Slurm(detach=True)
    for executor in (Local(), Ray()):
        with pytest.raises(RequestError, match=r"--detach: .* end with the command. allowed with --executor slurm"):
            executor.detached()


def test_the_variables_that_decide_how_a_worker_computes_reach_it() -> None:
    given = {"GANBENCH_DATA": "/data", "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "TORCH_HOME": "/t", "HOME": "/root"}
    assert passed(given) == {name: value for name, value in given.items() if name != "HOME"}
