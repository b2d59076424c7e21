"""Statistics over training seeds: intervals, paired tests, ranks over several problems, shares of variance."""

from ganbench.stats.intervals import RESAMPLES, Interval, mean_interval, tail_median, wilson
from ganbench.stats.paired import (
    detectable_difference,
    detectable_rate,
    holm,
    mcnemar,
    rate_difference,
    rate_tails,
    signed_rank,
)
from ganbench.stats.ranks import Ranking, improvement, profile, ranking
from ganbench.stats.variance import Source, shares

__all__ = [
    "RESAMPLES",
    "Interval",
    "Ranking",
    "Source",
    "detectable_difference",
    "detectable_rate",
    "holm",
    "improvement",
    "mcnemar",
    "mean_interval",
    "profile",
    "ranking",
    "rate_difference",
    "rate_tails",
    "shares",
    "signed_rank",
    "tail_median",
    "wilson",
]
