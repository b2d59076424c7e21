"""What a newcomer types: the quick suite from nothing to a table, and typed again; help, list, check, schema, cite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import INLINE, Run, started, within

QUICK = Path(__file__).parents[2] / "suites" / "quick.yaml"
COLUMNS = "run_id,suite,variant,dataset,network,batchnorm,optimizer,seed,status,step,metric,value,stderr,n"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `ganbench run suites/quick.yaml --json` has run; its results stay there."""
    folder = tmp_path_factory.mktemp("quick")
    done = started(folder, "run", QUICK, "--json")
    assert done.returncode == 0, done.stderr
    (folder / "summary.json").write_text(done.stdout)
    (folder / "stderr.txt").write_text(done.stderr)
    return folder


def run_in(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return within(folder, *words)


def test_summary(quick: Path) -> None:
    summary = json.loads((quick / "summary.json").read_text())
    assert summary["failed"] == 0 and summary["done"] == summary["runs"] == 8
    assert set(summary) == {"format", "suite", "runs", "done", "diverged", "failed", "excluded", "skipped", "seconds"}
    assert "quick: 8 runs = 0 done + 8 to run in 4 packs of up to 2 seeds; " in (quick / "stderr.txt").read_text()


def test_typed_again_it_trains_nothing(quick: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in quick.glob("results/runs/*/*.json*")}
    again = run_in(quick, "run", QUICK, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["skipped"] == 8
    assert "quick: 8 runs = 8 done + 0 to run" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in quick.glob("results/runs/*/*.json*")} == before


def test_run_folders_are_complete(quick: Path) -> None:
    folders = sorted((quick / "results" / "runs").glob("*-*"))
    assert len(folders) == 8
    for folder in folders:
        assert json.loads((folder / "state.json").read_text())["status"] == "done"
        assert json.loads((folder / "spec.json").read_text())["run_id"] == folder.name
        (session,) = json.loads((folder / "env.json").read_text())["sessions"]
        assert {"packages", "device", "git", "threads", "host", "engine_job"} <= session.keys()
        pictures = list(folder.glob("samples/*.png"))
        assert pictures and all(path.read_bytes()[:4] == b"\x89PNG" for path in pictures)
        assert not (folder / "checkpoints" / "last.pt").exists(), "nothing is left to resume"


def test_training_shows_something(quick: Path) -> None:
    """The classifier's Frechet distance of the digits falls from the first mark to the last, for each seed and loss."""
    rows = [line.split(",") for line in run_in(quick, "report", "quick", "--format", "csv").stdout.splitlines()[1:]]
    series: dict[str, list[float]] = {}
    for row in rows:
        if row[10] == "fd_classifier":
            series.setdefault(row[0], []).append(float(row[11]))
    assert len(series) == 4 and all(values[-1] < values[0] for values in series.values()), series


def test_report_formats(quick: Path) -> None:
    assert run_in(quick, "report", "quick", "--format", "csv").stdout.splitlines()[0] == COLUMNS
    assert "\\toprule" in run_in(quick, "report", "quick", "--format", "latex").stdout
    assert json.loads(run_in(quick, "report", "quick", "--format", "json").stdout)
    assert run_in(quick, "report", "--out", "table.md").returncode == 0
    assert (quick / "table.md").read_text().startswith("# quick")


def test_mlflow_has_every_run(quick: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{quick}/results/mlflow.db")
    experiment = client.get_experiment_by_name("quick")
    mirrored = client.search_runs([experiment.experiment_id])
    runs = [run for run in mirrored if "ganbench.run_id" in run.data.tags]  # the others are the parents of cells
    assert sorted(run.data.tags["ganbench.run_id"] for run in runs) == sorted(
        path.name for path in (quick / "results" / "runs").glob("*-*")
    )
    for run in runs:
        assert run.info.status == "FINISHED" and run.data.params["variant.kind"] in ("ns", "lsgan")
        history = client.get_metric_history(run.info.run_id, "fd_pixels")
        assert len(history) == len({point.step for point in history}) >= 2
        assert {"spec.json", "env.json"} <= {item.path for item in client.list_artifacts(run.info.run_id)}


def test_show(quick: Path) -> None:
    shown = run_in(quick, "show", "lsgan-digits-bn0-adam-s0")
    assert shown.returncode == 0 and "status   done" in shown.stdout and "fd_classifier" in shown.stdout
    lost = run_in(quick, "show", "lsgan-digitz")
    assert lost.returncode == 2 and "Traceback" not in lost.stderr


def test_more_samples_never_retrain(quick: Path) -> None:
    """Asking a finished suite for other scores reads the generators that were kept."""
    weights = {path: path.stat().st_mtime_ns for path in quick.glob("results/runs/*/checkpoints/*.pt")}
    words = (
        "run",
        QUICK,
        "--json",
        "--tracking-uri",
        "none",
        *INLINE,
        "--set",
        "evaluate.samples=300",
        "--only",
        "dataset=ring8",
    )
    done = run_in(quick, *words)
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 4, done.stderr
    assert {path: path.stat().st_mtime_ns for path in quick.glob("results/runs/*/checkpoints/*.pt")} == weights
    table = run_in(quick, "report", "quick", "--format", "csv").stdout
    assert ",300\n" in table and ",500\n" not in table.replace("digits", "")


HEAVY = ("torch", "mlflow", "pandas", "scipy", "sklearn", "pydantic")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from ganbench.cli import cli\n"
        f"try: cli({words!r})\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]" and done.stdout


SLOW_TO_LOAD = ("torch._dynamo", "sympy", "sklearn", "pandas", "scipy.stats", "torchvision", "mlflow")


def test_a_run_loads_only_what_it_uses(tmp_path: Path) -> None:
    options = ["--set", "train.steps=4", "--set", "evaluate.every=2", "--seeds", "1", "--only", "variant=lsgan"]
    words = ["run", str(QUICK), "--results", str(tmp_path), "--tracking-uri", "none", *INLINE, *options]
    code = (
        "import sys; from ganbench.cli import cli\n"
        f"cli({words!r}, standalone_mode=False)\n"
        f"print([name for name in {SLOW_TO_LOAD!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]" and "2 done" in done.stderr


def test_list(ganbench: Run) -> None:
    listed = json.loads(ganbench("list", "--json").stdout)
    assert listed.pop("format") == 1
    assert {
        "variants",
        "penalties",
        "augmentations",
        "datasets",
        "networks",
        "optimizers",
        "evaluators",
        "executors",
    } == set(listed)
    names = {item["name"] for item in listed["variants"]}
    assert {"minimax", "ns", "lsgan", "wgan", "wgan_gp", "hinge"} <= names
    assert all({"name", "source", "options"} <= set(item) for family in listed.values() for item in family)
    assert "Mao et al. 2017" in ganbench("list", "variants").stdout
    wrong = ganbench("list", "variant5")
    assert wrong.returncode == 2 and "variants" in wrong.stderr


def test_check_schema_cite(ganbench: Run) -> None:
    checked = ganbench("check", QUICK)
    assert checked.returncode == 0 and "8 runs" in checked.stdout
    assert json.loads(ganbench("schema").stdout)["type"] == "object"
    assert "arXiv:1611.04076" in ganbench("cite", QUICK).stdout


def test_mistakes_exit_2_and_write_nothing(ganbench: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "name: bad\n"
        "grid:\n"
        "  variant: [nss, {kind: wgan_gp, n_critc: 3}]\n"
        "  dataset: ring8\n"
        "  optimizer: {kind: adam, lr: -1}\n"
        "train: {steps: 0}\n"
        "evaluate: {samples: true, with: [modes]}\n"
    )
    done = ganbench("run", "bad.yaml")
    assert done.returncode == 2 and done.stderr.rstrip().endswith("5 mistakes; nothing was run.")
    for place in ("bad.yaml:3:", "bad.yaml:5:", "bad.yaml:6:", "bad.yaml:7:"):
        assert place in done.stderr
    assert "did you mean 'ns'" in done.stderr and "did you mean 'n_critic'" in done.stderr
    assert not (tmp_path / "results").exists() and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "absent.yaml"], "absent.yaml"),
        (["run", QUICK, "--devices", "7"], "no CUDA device"),
        (["run", QUICK, "--results", "/proc/nowhere"], "can't write results here"),
        (["report", "never"], "never"),
        (["run", QUICK, "--only", "variant=nss"], "ns"),
        (["fetch", "digits", "--root", "x"], "nothing to download"),
        (["run"], "SUITE"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_wrong_requests(ganbench: Run, words: list[str | Path], says: str) -> None:
    done = ganbench(*words)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert done.stdout == ""
