"""CI as sessions: `nox` runs lint, types and tests, each in an environment of its own that it installs itself."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = True


@nox.session
def lint(session: nox.Session) -> None:
    """Style and plain mistakes."""
    session.install("--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the package."""
    session.install("-e", ".", "--group", "types")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; those on real data where GANBENCH_DATA names a folder with them.

    `nox -s tests -- -k parzen` runs some; `nox -s tests -- --hypothesis-profile search` looks for new counterexamples.
    """
    session.install("-e", ".", "--group", "test")
    # in the files' order: else the end-to-end tests, few and long, go last
    spread = ("-n", "auto", "--dist", "loadscope", "--no-loadscope-reorder")
    # one thread a process: several would wait for each other on the cores that the other processes use
    session.run("pytest", *spread, *session.posargs, env={"OMP_NUM_THREADS": "1"})
