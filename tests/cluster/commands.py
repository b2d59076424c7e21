"""The commands of docs/how-to/clusters.md: those that the tests run, and why the others are not among them."""

from __future__ import annotations

import shlex

PAGE = "docs/how-to/clusters.md"
RUN = {
    "ray head": "ray start --head --port=6379",
    "ray node": "ray start --address=HEAD:6379",
    "ray": "ganbench run suites/quick.yaml --executor ray --on address=auto --workers 8",
    "array": 'sbatch --array=0-3 --time=4:00:00 --requeue --wrap "ganbench run suites/quick.yaml --workers 1 '
    '--tracking-uri none"',
    "slurm": "ganbench run suites/quick.yaml --executor slurm --on partition=main --on time=60 --workers 2",
    "detached": "ganbench run suites/quick.yaml --executor slurm --on time=4:00:00 --workers 16 --detach",
}
ELSEWHERE = {
    "ganbench run suites/quick.yaml": "tests/e2e/test_command.py runs it",
    "ganbench run suites/quick.yaml --devices 0,1 --per-gpu 2": "two GPUs",
    "ganbench run suites/quick.yaml --executor ray --on address=HEAD:6379 --on num_gpus=1 --workers 8": "GPUs",
    "ganbench run suites/quick.yaml --executor slurm --on partition=gpu --on gres=gpu:1 --on time=4:00:00 "
    "--workers 16": "GPUs",
    "ganbench run suites/quick.yaml --executor ray --on address=auto --workers 8 --results /shared/results": (
        "Kubernetes; the executor is that of Ray"
    ),
    "ganbench run suites/quick.yaml --tracking-uri http://mlflow.example.org:5000": "tests/tracking has a server",
    "ganbench sync quick --tracking-uri http://mlflow.example.org:5000": "tests/tracking has a server",
}


def documented(name: str, *changes: tuple[str, str]) -> list[str]:
    """The words of a command of `RUN` after its first, with parts of the text replaced."""
    line = RUN[name]
    for shown, here in changes:
        assert shown in line
        line = line.replace(shown, here)
    return shlex.split(line)[1:]
