"""Contract checks that every component of a family must pass, ganbench's own and yours.

    from ganbench import testing
    from ganbench.plugins import Registry

    registry = Registry.of([Path("my_gan.py")])
    MyGAN = registry.find("variant", "my_gan")

    def test_form():
        testing.check_component(MyGAN(), registry)

    def test_training():
        testing.check_run(testing.small_run(variant=MyGAN()))

Each check raises `AssertionError` with a sentence that states what is wrong. None needs a data folder or a GPU.
"""

from ganbench.testing.components import check_component, variations
from ganbench.testing.datasets import check_data, check_dataset
from ganbench.testing.evaluators import check_evaluator, check_names, check_number
from ganbench.testing.losses import check_generator, check_losses
from ganbench.testing.networks import check_network
from ganbench.testing.optimizers import check_optimizer, check_rule
from ganbench.testing.runs import check_pack, check_resume, check_run, small_run

__all__ = [
    "check_component",
    "check_data",
    "check_dataset",
    "check_evaluator",
    "check_generator",
    "check_losses",
    "check_names",
    "check_network",
    "check_number",
    "check_optimizer",
    "check_pack",
    "check_resume",
    "check_rule",
    "check_run",
    "small_run",
    "variations",
]
