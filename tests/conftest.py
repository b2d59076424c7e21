"""Property tests try the same examples for the same code, untimed; in CI a skip that is not on the list is a failure.

`--hypothesis-profile search` looks for new counterexamples.
"""

from __future__ import annotations

import signal
from collections.abc import Generator

import pytest
import torch
from hypothesis import HealthCheck, settings

from tests.support.skips import in_ci, refuse

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("same", UNTIMED, derandomize=True)
settings.register_profile("search", UNTIMED, max_examples=2000)
settings.load_profile("same")


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else commands that tests start would ignore Ctrl-C


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` on a machine without CUDA."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no GPU"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return refuse(report) if in_ci() else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return refuse(report) if in_ci() else report
