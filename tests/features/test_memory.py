"""How much memory is free: in containers, on a GPU, and for each of several workers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.fid import FID
from ganbench.evaluators.ms_ssim import MSSSIM
from ganbench.features import memory
from ganbench.features.bank import Bank
from ganbench.features.memory import free_memory, free_on, unfit, unfit_for
from tests.support.evaluation import image_data

MACHINE = 10**9


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 1 GB of free memory, whose control groups are made of files here."""
    (tmp_path / "meminfo").write_text(f"MemAvailable: {MACHINE // 1000} kB\n")
    roots = {version: (tmp_path / str(version), *rest) for version, (_, *rest) in memory.CGROUPS.items()}
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(memory, "CGROUPS", roots)
    return tmp_path


def limit(folder: Path, version: int, most: str, used: int, cached: int = 0) -> None:
    """Write the files of one control group."""
    folder.mkdir(parents=True, exist_ok=True)
    _, most_name, used_name, cached_name = memory.CGROUPS[version]
    (folder / most_name).write_text(f"{most}\n")
    (folder / used_name).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{cached_name} {cached}\n")


def test_the_files_are_those_of_the_kernel() -> None:
    assert memory.CGROUPS[2][1:] == ("memory.max", "memory.current", "inactive_file")
    assert memory.CGROUPS[1][1:] == ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_that_sees_its_own_group_as_the_root(groups: Path, version: int) -> None:
    limit(groups / str(version), version, "500000", 400_000, cached=50_000)
    assert free_memory() == 150_000


@pytest.mark.parametrize(
    ("version", "membership"), [(2, "0::/slice/job\n"), (1, "3:cpu:/elsewhere\n7:hugetlb,memory:/slice/job\n0::/\n")]
)
def test_each_group_above_the_process_limits_it(groups: Path, version: int, membership: str) -> None:
    (groups / "membership").write_text(membership)
    limit(groups / str(version) / "slice/job", version, "900000", 100_000)
    assert free_memory() == 800_000
    limit(groups / str(version) / "slice", version, "500000", 450_000)
    assert free_memory() == 50_000
    limit(groups / str(version) / "slice", version, "500000", 600_000)
    assert free_memory() == 0


def test_groups_without_a_limit_leave_the_machine(groups: Path) -> None:
    (groups / "membership").write_text("0::/../outside\nnonsense\n0::/job\n")
    limit(groups / "2/job", 2, "max", 100_000)
    limit(groups / "1", 1, str(2**63 - 4096), 100_000)  # version 1's way to say that there is no limit
    limit(groups / "outside", 2, "10", 1)
    assert free_memory() == MACHINE // 1000 * 1024


def gpu(monkeypatch: pytest.MonkeyPatch, free: int, reserved: int = 0, allocated: int = 0) -> None:
    """Simulate a GPU with so many bytes."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10 * free))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: allocated)


def test_what_torch_keeps_of_a_gpu_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, 1000, reserved=300, allocated=100)
    assert free_on("cuda:1") == 1200
    assert free_on("cpu") is None


def test_a_score_that_does_not_fit_on_the_gpu_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpu(monkeypatch, 10**6)
    monkeypatch.setattr(memory, "free_memory", lambda: 10**12)
    real = Bank(tmp_path, "cuda:0").reference(image_data())
    reasons = unfit([MSSSIM()], 64, real)
    assert reasons["ms_ssim"].endswith("and 0.0 GB are free; use fewer samples or features with fewer dimensions"), (
        reasons
    )
    assert "memory of cuda:0 for 64 generated samples of 64 dimensions" in reasons["ms_ssim"]
    gpu(monkeypatch, 10**12)
    assert not unfit([MSSSIM()], 64, real)
    shared = Bank(tmp_path, "cuda:0", device_memory=10**6).reference(image_data())
    assert "memory of cuda:0" in unfit([MSSSIM()], 64, shared)["ms_ssim"]


def test_a_worker_has_its_share_of_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 10**12)
    whole, share = (Bank(tmp_path, memory=bound).reference(image_data()) for bound in (None, 10**6))
    assert not unfit([MSSSIM()], 64, whole)
    assert set(unfit([MSSSIM()], 64, share)) == {"ms_ssim"}


def test_what_no_number_of_real_samples_makes_fit_is_known_without_data() -> None:
    space, evaluators = Space((3, 64, 64)), (FID(features="pixels"), MSSSIM())
    assert set(unfit_for(space, evaluators, 100_000, 10**9)) == {"fid[features=pixels]"}  # MS-SSIM takes 320
    assert not unfit_for(space, evaluators, 60, 4 * 10**9)
    assert not unfit_for(space, evaluators, 100_000, None)
