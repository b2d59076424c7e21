"""Statistics over training seeds: intervals, tests, ranks over several problems and the analysis of variance."""

from ganbench.stats.concordance import concordance
from ganbench.stats.intervals import BOOTSTRAPPED, FEWEST, RESAMPLES, Interval, mean_interval, tail_median, wilson
from ganbench.stats.levels import mean_between, mean_tails, rate_between, rate_gap_tails, rate_gap_within
from ganbench.stats.paired import (
    LEVEL,
    detectable_difference,
    detectable_rate,
    holm,
    look_corrected,
    mcnemar,
    needed,
    rate_difference,
    rate_tails,
    signed_rank,
    spending,
)
from ganbench.stats.power import Design, MeanInside, PairedMeans, UnpairedMeans, smallest_effect
from ganbench.stats.ranks import Ranking, improvement, interquartile_mean, profile, ranking
from ganbench.stats.rate_power import PairedRates, RateDesign, RateInside, UnpairedRates
from ganbench.stats.unpaired import (
    detectable_gap,
    detectable_rate_gap,
    fisher,
    mean_gap,
    rank_sum,
    rate_gap,
)
from ganbench.stats.variance import shares

__all__ = [
    "BOOTSTRAPPED",
    "FEWEST",
    "LEVEL",
    "RESAMPLES",
    "Design",
    "Interval",
    "MeanInside",
    "PairedMeans",
    "PairedRates",
    "Ranking",
    "RateDesign",
    "RateInside",
    "UnpairedMeans",
    "UnpairedRates",
    "concordance",
    "detectable_difference",
    "detectable_gap",
    "detectable_rate",
    "detectable_rate_gap",
    "fisher",
    "holm",
    "improvement",
    "interquartile_mean",
    "look_corrected",
    "mcnemar",
    "mean_between",
    "mean_gap",
    "mean_interval",
    "mean_tails",
    "needed",
    "profile",
    "rank_sum",
    "ranking",
    "rate_between",
    "rate_difference",
    "rate_gap",
    "rate_gap_tails",
    "rate_gap_within",
    "rate_tails",
    "shares",
    "signed_rank",
    "smallest_effect",
    "spending",
    "tail_median",
    "wilson",
]
