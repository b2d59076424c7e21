"""Mirrors run folders to MLflow, live and idempotent. The files stay the truth; no failure here reaches a run.

Experiment = suite; one MLflow run per run and suite, found again by the tag `ganbench.run_id`. It holds

    parameters   the flattened spec: variant.kind, variant.a, batch ...
    metrics      scores by name, loss terms as terms/d/real, at their step and with the row's own time
    tags         ganbench.run_id .suite .state .outcome .device ..., and the notation columns: variant, dataset ...
    artifacts    samples/<step>.png, spec.json, env.json

Importing this package is cheap: only `connection.py` imports mlflow, and only once there is something to log.
"""

from ganbench.tracking.mirror import Mirror
from ganbench.tracking.place import default_uri, resolve
from ganbench.tracking.syncing import Synced, sync

__all__ = ["Mirror", "Synced", "default_uri", "resolve", "sync"]
