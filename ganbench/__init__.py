"""ganbench: which GAN objective trains stably, on which data, with which optimizer and batch norm, how sure are we?

    import ganbench as gb

    suite = gb.load_suite("suites/quick.yaml")
    results = gb.run(suite)
    results.report()

`docs/reference/python.md` describes every name. They are imported when they are first used: `import ganbench` loads no
torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.api.judging import Judge as Judge
    from ganbench.api.judging import Scores as Scores
    from ganbench.api.judging import evaluate as evaluate
    from ganbench.api.results import SuiteReport as Report
    from ganbench.api.results import SuiteResults as Results
    from ganbench.api.results import open_results as open_results
    from ganbench.api.runs import Run as Run
    from ganbench.api.suites import declare as Suite
    from ganbench.api.suites import load_suite as load_suite
    from ganbench.api.training import run as run
    from ganbench.augmentations.base import Augmentation as Augmentation
    from ganbench.datasets.base import Dataset as Dataset
    from ganbench.errors import GanbenchError as GanbenchError
    from ganbench.errors import RequestError as RequestError
    from ganbench.errors import SuiteError as SuiteError
    from ganbench.evaluators.base import Evaluator as Evaluator
    from ganbench.networks.base import Network as Network
    from ganbench.optimizers.base import Optimizer as Optimizer
    from ganbench.penalties.base import Penalty as Penalty
    from ganbench.samples.given import Latents as Latents
    from ganbench.variants.base import Variant as Variant

__version__ = "0.1.0"

_PLACES = {  # public name -> its module, and its name there where that differs
    "Augmentation": "augmentations.base",
    "Dataset": "datasets.base",
    "Evaluator": "evaluators.base",
    "GanbenchError": "errors",
    "Judge": "api.judging",
    "Latents": "samples.given",
    "Network": "networks.base",
    "Optimizer": "optimizers.base",
    "Penalty": "penalties.base",
    "Report": "api.results:SuiteReport",
    "RequestError": "errors",
    "Results": "api.results:SuiteResults",
    "Run": "api.runs",
    "Scores": "api.judging",
    "Suite": "api.suites:declare",
    "SuiteError": "errors",
    "Variant": "variants.base",
    "evaluate": "api.judging",
    "load_suite": "api.suites",
    "open_results": "api.results",
    "run": "api.training",
}
__all__ = [  # what mypy and `from ganbench import *` see
    "Augmentation",
    "Dataset",
    "Evaluator",
    "GanbenchError",
    "Judge",
    "Latents",
    "Network",
    "Optimizer",
    "Penalty",
    "Report",
    "RequestError",
    "Results",
    "Run",
    "Scores",
    "Suite",
    "SuiteError",
    "Variant",
    "evaluate",
    "load_suite",
    "open_results",
    "run",
]


def __getattr__(name: str) -> object:
    """A public name, imported now."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    module, _, other = _PLACES[name].partition(":")
    return getattr(import_module(f"ganbench.{module}"), other or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
