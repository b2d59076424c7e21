"""Mirrors run folders to MLflow, live and idempotently. The files stay the record; a failure here stops no run.

A suite is an experiment. Each run of a suite is an MLflow run, identified by the tag `ganbench.run_id`. Its parent is
the run of its cell, identified by the tag `ganbench.cell`, so that the UI groups the seeds. It has

    parameters   its value on each axis (variant, dataset, optimizer ...) and the flattened spec: variant.a ...
    metrics      scores by name, loss terms as terms/d/real, with the step and the time of the row
    inputs       the training data: their notation, with a hash and the options of their component
    tags         ganbench.run_id .suite .state .outcome .collapsed_step .device ..., MLflow's own for the source and its
                 commit, and the value on each axis. The outcome is that of the suite's rule; without a rule a run that
                 is done is `completed`.
    artifacts    samples/<step>.png, spec.json, env.json

At the user's request it also has the load of the machine while it trains, and its generator as a logged model.

Importing this package is fast: mlflow is imported only when there is something to log.
"""

from ganbench.tracking.mirror import Mirror
from ganbench.tracking.models import LoggedModels, log_models
from ganbench.tracking.place import default_uri, resolve, shown
from ganbench.tracking.syncing import Synced, sync
from ganbench.tracking.system_metrics import check_system_metrics

__all__ = [
    "LoggedModels",
    "Mirror",
    "Synced",
    "check_system_metrics",
    "default_uri",
    "log_models",
    "resolve",
    "shown",
    "sync",
]
