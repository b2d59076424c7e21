"""What a user's component may not change in the process: each setting is noticed, named and set back."""

from __future__ import annotations

import locale
import os
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from ganbench.errors import RequestError
from ganbench.guard.process_settings import SETTINGS
from ganbench.guard.process_state import ProcessState, unchanged, unchanged_by
from ganbench.plugins import Registry
from ganbench.variants.ns import NonSaturating
from tests.support.tiny import BODIES, HEAD

VARIANT = HEAD.format(package="variants") + BODIES["tiny_gan"][1]

# what a plug-in does, and what the message names
CHANGES = {
    "import torch; torch.set_default_dtype(torch.float64)": "torch's default dtype from torch.float32 to torch.float64",
    "import torch; torch.set_default_device('meta')": "torch's default device",
    "import torch; torch.set_num_threads(torch.get_num_threads() + 1)": "torch's number of threads",
    "import torch; torch.use_deterministic_algorithms(True, warn_only=True)": "torch's deterministic algorithms",
    "import torch; torch.set_float32_matmul_precision('medium')": "torch's float32 matmul precision",
    "import torch; torch.backends.cudnn.benchmark = True": "torch.backends.cudnn.benchmark",
    "import torch; torch.set_grad_enabled(False)": "torch's gradient mode",
    "import torch; torch.set_autocast_enabled('cpu', True)": "torch's autocast on cpu",
    "import torch; torch.set_flush_denormal(True)": "torch's rounding of denormal numbers",
    "import torch; torch.manual_seed(0)": "torch's global random numbers",
    "import torch; torch.nn.modules.module.register_module_forward_hook(print)": "torch's hooks of all modules",
    "from torch.optim import optimizer; optimizer.register_optimizer_step_pre_hook(print)": "hooks of all modules",
    "import numpy; numpy.random.seed(0)": "numpy's global random numbers",
    "import numpy; numpy.seterr(all='raise')": "numpy's handling of floating-point errors",
    "import os; os.environ['OMP_NUM_THREADS'] = '7'": "the environment variable OMP_NUM_THREADS",
    "import os; os.environ.pop('PATH')": "the environment variable PATH",
    "import os; os.chdir('/')": "the working directory",
    "import locale; locale.setlocale(locale.LC_ALL, 'C.UTF-8' if locale.setlocale(locale.LC_ALL) == 'C' else 'C')": (
        "the locale"
    ),
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)": "the handlers of signals",
    "import torch; torch.nn.functional.softplus = torch.nn.functional.relu": "replaces torch.nn.functional.softplus",
    "import torch; torch.Tensor.mean = torch.Tensor.sum": "replaces torch.Tensor.mean",
    "import numpy; numpy.linalg.eigh = None": "replaces numpy.linalg.eigh",
    "from ganbench.variants.lsgan import LSGAN; LSGAN.d_loss = LSGAN.g_loss": "replaces ganbench.variants.lsgan.LSGAN",
    "from ganbench.variants.ns import NonSaturating as N; N.d_steps = lambda self, step: 2": "NonSaturating.d_steps",
    "import ganbench.variants.ns as ns; ns.sum = max": "replaces ganbench.variants.ns.sum",
    "import ganbench.variants.hinge; ganbench.variants.hinge.relu = abs": "replaces ganbench.variants.hinge.relu",
}


@pytest.mark.parametrize("line", CHANGES)
def test_an_import_that_changes_the_process_is_refused_and_set_back(tmp_path: Path, line: str) -> None:
    path = tmp_path / "my_gan.py"
    path.write_text(f"{VARIANT}{line}\n")
    before = ProcessState.now()
    with pytest.raises(RequestError, match="a component leaves the settings of the process as they are") as caught:
        Registry.of((path,))
    assert CHANGES[line] in caught.value.given and caught.value.where == str(path) and caught.value.todo
    assert before.changes() == [], "everything was set back"


def test_what_libraries_do_when_they_are_loaded_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "my_gan.py"
    own = "import warnings, os, random; warnings.simplefilter('ignore'); os.environ['MY_LIBRARY'] = '1'; random.seed(3)"
    path.write_text(f"{VARIANT}import sklearn.datasets, torchvision\n{own}\n")
    filters, state = list(warnings.filters), random.getstate()
    try:
        Registry.of((path,))
    finally:
        os.environ.pop("MY_LIBRARY", None)
    assert list(warnings.filters) == filters and random.getstate() == state, "but it is set back"


def test_python_draws_and_filters_of_a_call_are_refused() -> None:
    with pytest.raises(RequestError, match=r"^here: it changes Python's global random numbers"), unchanged("here"):
        random.random()
    with pytest.raises(RequestError, match=r"^here: it changes the filters of warnings"), unchanged("here"):
        warnings.simplefilter("ignore")


def test_an_exception_that_a_change_causes_is_told_by_the_change() -> None:
    with pytest.raises(RequestError, match="default dtype") as caught, unchanged("here"):
        torch.set_default_dtype(torch.float64)
        raise ValueError("expected Float but found Double")
    assert isinstance(caught.value.__cause__, ValueError)
    assert torch.get_default_dtype() == torch.float32


def test_other_exceptions_pass_and_ganbench_s_own_components_cost_nothing() -> None:
    with pytest.raises(KeyError), unchanged("here"):
        raise KeyError("x")
    with unchanged_by(NonSaturating()):
        torch.rand(1)


def test_torch_may_wrap_its_own_functions() -> None:
    """It does so on the first use of an optimizer, and when its compiler is loaded."""
    code = (
        "import torch\nfrom ganbench.guard.process_state import unchanged\n"
        "with unchanged('here'):\n"
        "    weight = torch.ones(2, requires_grad=True); rule = torch.optim.Adam([weight])\n"
        "    weight.sum().backward(); rule.step()\n"
        "    import torch._dynamo\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_setting_can_be_read_and_set_to_what_it_is() -> None:
    for setting in SETTINGS.values():
        before = setting.read()
        setting.write(before)
        assert setting.read() == before
    assert signal.getsignal(signal.SIGTERM) is not None and np.geterr() and locale.setlocale(locale.LC_ALL)


# --- files beside a plug-in ---


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from my_layers import Block", "my_layers.py"),
        ("import my_package.layers", "my_package"),
        ("from .my_layers import Block", "my_layers.py"),
        ("def late():\n    import my_layers", "my_layers.py"),
        ("import sys; sys.path.insert(0, '.')\nfrom my_layers import Block", "my_layers.py"),
    ],
)
def test_a_file_beside_a_plugin_is_refused_with_what_to_do(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "my_layers.py").write_text("Block = 1\n")
    (tmp_path / "my_package").mkdir()
    path = tmp_path / "my_gan.py"
    path.write_text(f"{VARIANT}{line}\n")
    with pytest.raises(RequestError, match=f"it imports {name}, a file beside it") as caught:
        Registry.of((path,))
    assert caught.value.todo == f"put the code of {name} into my_gan.py, or install it as a package"


def test_a_file_that_is_named_like_an_installed_module_is_not_imported_and_not_refused(tmp_path: Path) -> None:
    for name in ("json.py", "torch.py"):
        (tmp_path / name).write_text("raise SystemExit\n")
    path = tmp_path / "my_gan.py"
    path.write_text(f"{VARIANT}import json, torch\n")
    Registry.of((path,))
