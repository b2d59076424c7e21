"""CI as sessions: `nox` runs lint, types and tests, each in an environment of its own that it installs itself."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = True
nox.options.error_on_missing_interpreters = False  # in CI too: `pythons` has versions that a machine may lack
nox.options.download_python = "never"

# in the files' order: else the end-to-end tests, few and long, go last
SPREAD = ("-n", "auto", "--dist", "loadscope", "--no-loadscope-reorder")
# one thread a process: several would wait for each other on the cores that the other processes use
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@nox.session
def lint(session: nox.Session) -> None:
    """Style and plain mistakes."""
    session.install("--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("hadolint", "Dockerfile")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the package."""
    session.install("-e", ".", "--group", "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The site in build/docs; a warning is an error, and every link inside it leads to a file and an anchor."""
    session.install("-e", ".", "--group", "docs")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-c", "docs", "-b", "html", ".", "build/docs")
    session.run("python", "docs/check_links.py", "build/docs")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; those on real data where GANBENCH_DATA names a folder with them.

    `nox -s tests -- -k parzen` runs some; `nox -s tests -- --hypothesis-profile search` looks for new counterexamples.
    """
    session.install("-e", ".", "--group", "test")
    session.run("pytest", *SPREAD, *session.posargs, env=ONE_THREAD)


@nox.session(default=False, python=["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """All tests with each Python that ganbench supports; nox skips those that are not installed, and says so."""
    session.install("-e", ".", "--group", "test")
    session.run("pytest", *SPREAD, *session.posargs, env=ONE_THREAD)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Mutated suites and samples, and whatever else tries many damaged inputs; the same ones each time."""
    session.install("-e", ".", "--group", "test")
    session.run("pytest", "-n", "auto", "-m", "fuzz", *session.posargs, env=ONE_THREAD)


@nox.session(default=False)
def cluster(session: nox.Session) -> None:
    """Suites on clusters of Ray and Slurm that are started on this machine, with nodes and workers that are killed.

    Slurm is no Python package: `apt-get install slurm-wlm`. Where it is absent its tests are skipped, and fail in CI.
    """
    session.install("-e", ".[ray]", "--group", "test")
    beside = ("-n", "3", "--dist", "loadfile")  # the files at the same time: the tests mostly wait
    session.run("pytest", "-m", "cluster", *beside, "tests/cluster", *session.posargs, env=ONE_THREAD)


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml allows, on the parts that lean on them; `nox -s lowest` runs it.

    Old versions warn of what newer ones have mended, so warnings are no errors here. What a run imports is not checked:
    an old torch imports sympy by itself.
    """
    session.install("--resolution", "lowest-direct", "-e", ".", "--group", "test")
    packages = ("tracking", "report", "features", "tuning", "cli", "executors")
    files = ("e2e/test_command.py", "suite/test_mistakes.py", "evaluators/test_frechet.py")
    recorded = ("training/test_tape.py", "contract/test_recorded_turns.py")  # they lean on torch's inner parts
    places = [f"tests/{place}" for place in (*packages, *files, *recorded)]
    imports = "tests/e2e/test_command.py::test_a_run_loads_only_what_it_uses"
    session.run("pytest", "-o", "filterwarnings=default", f"--deselect={imports}", *(session.posargs or places))
