"""`ganbench evaluate`: score anyone's samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.options import as_json, collected, results
from ganbench.cli.terminal import answer_either, note
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.features.bank import Bank
    from ganbench.plugins import Registry
    from ganbench.samples.choice import Unavailable
    from ganbench.samples.scoring import ScoreSheet
    from ganbench.samples.sources import ComparedSamples
    from ganbench.spec import RunSpec

PAIRS = 32  # generated samples in the picture, each beside its nearest real sample


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What `ganbench evaluate` takes."""

    generated: str
    reference: str
    validation: str | None
    evaluators: str | None
    plugins: tuple[Path, ...]
    suite: Path | None
    features: str | None
    trust: bool
    seed: int
    out: Path | None
    fingerprints: bool
    devices: str
    results: Path
    as_json: bool


@click.command()
@click.argument("generated")
@click.option("--reference", required=True, metavar="REF", help="The real samples to compare with.")
@click.option("--validation", metavar="VAL", help="A second set of real samples, used to choose the width of parzen.")
@click.option("--with", "evaluators", metavar="NAME[,NAME]",
              help="Evaluators, with or without options: 'fid,{kind: parzen, start: -2}', or 'standard', what papers"
                   " report today; the default is all that fit.")  # fmt: skip
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your evaluator.")
@click.option("--suite", type=click.Path(path_type=Path), metavar="FILE",
              help="A suite whose plug-ins are known here: evaluators, dataset:NAME, and the components of"
                   " run:ID.")  # fmt: skip
@click.option(
    "--features", metavar="F[,F]", help="Features: pixels, classifier ... or FILE.pt; all but files by default."
)
@click.option("--trust", is_flag=True, help="Allow features from TorchScript files, which run their own code.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of random draws.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write scores.json, and pairs.png with generated samples beside the nearest real"
                   " ones.")  # fmt: skip
@click.option("--fingerprints", is_flag=True, help="Print how each number was computed.")
@click.option("--devices", default="auto", show_default=True, metavar="auto|cpu|0", help="Device to compute on.")
@results
@as_json
@collected(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> None:
    """Score any generated samples against any reference.

    GENERATED, REF and VAL are a .npy or .npz file, a folder or zip archive of images, or dataset:NAME[:SPLIT].
    GENERATED and REF may be run:ID[:N], N samples (10,000 by default) of a run in the results folder.
    Arrays of uint8 are images in 0..255, (N, H, W) or (N, H, W, C). Two-dimensional arrays of floating-point numbers
    are points or features. REF may hold statistics instead: mu and sigma of Inception's features, or of those in
    --features. A TorchScript file of features, FILE.pt, holds code and is refused without --trust. The folder `cache`
    of the results folder keeps features of the real samples.

    \b
    Examples:
      ganbench evaluate samples/ --reference dataset:cifar10
      ganbench evaluate mine.npy --reference real.npz --validation held_out.npy --with parzen,fid --features pixels
      ganbench evaluate samples.zip --reference photos/ --out scored --json
    """
    from ganbench.api.progress import counted
    from ganbench.api.runs import source_of
    from ganbench.datasets.parts.files import data_root
    from ganbench.samples import available_features, choose_evaluators, count_steps, read_samples, refuse_code
    from ganbench.samples import score_samples as score
    from ganbench.samples import supported_evaluators as supported

    registry, known = _known(options)
    if not options.trust:
        refuse_code(options.features, choose_evaluators(options.evaluators, (), registry))
    generated, reference = (source_of(text, options.results, known) for text in (options.generated, options.reference))
    samples = read_samples(generated, reference, options.validation, data_root(), registry)
    for text in samples.notes:
        note(text)
    bank, named = _bank(options), _feature_names(options, samples)
    features, lacking = available_features(samples.real.space, bank, named)
    evaluators, unfit = supported(samples, choose_evaluators(options.evaluators, features, registry))
    with counted(count_steps(evaluators)) as step:
        sheet = score(samples, evaluators, bank.reference(samples.real, samples.statistics), options.seed, step)
    for text in sheet.notes:
        note(text)
    _answer(options, sheet, (*lacking, *unfit, *sheet.absent))


def _known(options: EvaluateOptions) -> tuple[Registry, Mapping[str, RunSpec]]:
    """The components and the runs that the plug-ins and the suite make known."""
    from ganbench.api.lookup import specs_of
    from ganbench.api.suites import load_suite
    from ganbench.plugins import Registry

    if options.suite is None:
        return Registry.of(options.plugins), {}
    suite = load_suite(options.suite)
    return Registry.of((*options.plugins, *suite.plugins)), specs_of(suite)


def _feature_names(options: EvaluateOptions, samples: ComparedSamples) -> str | None:
    """The features that were named; a file of statistics is one of Inception's features unless others are named."""
    default = "inception" if samples.statistics is not None and samples.real.space.is_image else None
    return options.features or default


def _bank(options: EvaluateOptions) -> Bank:
    from ganbench.api.execution import inception_weights
    from ganbench.features.bank import Bank
    from ganbench.runner import devices

    cache = options.results.resolve() / "cache"  # where it can't be written, nothing is kept
    return Bank(cache, devices.resolve(options.devices, 1)[0], inception_weights(), log=note)


def _answer(options: EvaluateOptions, sheet: ScoreSheet, absent: Sequence[Unavailable]) -> None:
    from ganbench.samples import score_body, score_table

    if not sheet.lines:
        reasons = "; ".join(f"{item.name}: {item.because}" for item in absent) or "no evaluator takes these features"
        raise RequestError(options.generated, f"nothing can be scored: {reasons}")
    body = score_body(sheet, absent)
    if options.out is not None:
        _write(options.out, body, sheet.samples)
    answer_either(body, score_table(sheet, absent, options.fingerprints), options.as_json)


def _write(folder: Path, scores: dict[str, Any], samples: ComparedSamples) -> None:
    from ganbench.cli.request import writing
    from ganbench.results import pictures
    from ganbench.results.files import write_bytes, write_json
    from ganbench.samples import nearest_pairs

    picture = None if samples.statistics is not None else pictures.pairs(*nearest_pairs(samples, PAIRS))
    with writing("--out", folder):
        write_json(folder / "scores.json", scores)
        if picture is not None:
            write_bytes(folder / "pairs.png", picture)
