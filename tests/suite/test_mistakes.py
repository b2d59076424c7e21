"""Every mistake at once, each in its place, in words a user can act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import RequestError, SuiteError
from ganbench.suite import load
from tests.support.tiny import write_suite

GRID = "{variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd}"
GOOD = f"name: x\ngrid: {GRID}\ntrain: {{steps: 3}}\n"


def mistakes(folder: Path, text: str) -> str:
    """What the user reads, with the folder's name left out."""
    with pytest.raises(SuiteError) as caught:
        load(write_suite(folder, text))
    return str(caught.value).replace(f"{folder}/", "")


def said(folder: Path, text: str) -> list[str]:
    """The mistakes without the lines of the file."""
    return [line for line in mistakes(folder, text).splitlines() if not line.startswith("    ")][:-1]


def test_five_mistakes_are_five_located_messages(tmp_path: Path) -> None:
    text = """
name: five
grid:
  variant:
    - {kind: tiny_gan, n_critc: 5}
    - {kind: tiny_gan, n_critic: 0}
  dataset: tiny_point
  sed: 3
train: {steps: 1e3}
"""
    assert (
        mistakes(tmp_path, text)
        == """\
suite.yaml:4:24  variant tiny_gan has no option 'n_critc'. did you mean 'n_critic'? \
allowed: weight, n_critic, decay, form, widths
        - {kind: tiny_gan, n_critc: 5}
                           ^
suite.yaml:5:34  variant tiny_gan: n_critic = 0 must be at least 1
        - {kind: tiny_gan, n_critic: 0}
                                     ^
suite.yaml:6:12  there is no dataset 'tiny_point'. did you mean 'tiny_points'? allowed: DATASETS
      dataset: tiny_point
               ^
suite.yaml:7:3  grid has no key 'sed'. did you mean 'seed'? \
allowed: variant, penalty, augment, dataset, network, batchnorm, optimizer, schedule, batch, steps, precision, seed
      sed: 3
      ^
suite.yaml:8:16  steps = 1e3 must be a whole number
    train: {steps: 1e3}
                   ^
5 mistakes; nothing was run.""".replace("DATASETS", _names("dataset", tmp_path))
    )


def test_of_a_long_line_the_part_around_the_mistake_is_shown(tmp_path: Path) -> None:
    """JSON is YAML, often on one line."""
    text = f"{{name: x, about: {'y' * 5000}, grid: {{variant: nss, dataset: ring8}}, train: {{steps: 1}}}}"
    path = tmp_path / "long.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError) as caught:
        load(path)
    message, line, caret, _ = str(caught.value).splitlines()
    assert f"long.yaml:1:{text.index('nss') + 1}  there is no variant 'nss'" in message
    assert line.startswith("    ...yyy") and len(line) < 220
    assert line[caret.index("^") :].startswith("nss")


def _names(family: str, folder: Path) -> str:
    from ganbench.plugins import Registry

    return ", ".join(Registry.of(sorted(folder.glob("tiny_*.py"))).names(family))


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("weight: -1", "variant tiny_gan: weight = -1 must be at least 0"),
        ("weight: .nan", "variant tiny_gan: weight = .nan must be a finite number"),
        ("weight: -.inf", "variant tiny_gan: weight = -.inf must be a finite number"),
        ("weight: true", "variant tiny_gan: weight = true must be a number"),
        ("weight: no", "variant tiny_gan: weight = no must be a number"),
        ('weight: "1"', 'variant tiny_gan: weight = "1" must be a number'),
        ("weight: ~", "variant tiny_gan: weight = ~ must be a number"),
        ("weight: {a: 1}", "variant tiny_gan: weight = {a: 1} must be a number"),
        ("weight: []", "the list of weight is empty. give at least one value"),
        ("weight: [1, [2]]", "variant tiny_gan: weight = [2] must be a number"),
        ("n_critic: 1.0", "variant tiny_gan: n_critic = 1.0 must be a whole number"),
        ("n_critic: true", "variant tiny_gan: n_critic = true must be a whole number"),
        ("decay: 1.5", "variant tiny_gan: decay = 1.5 must be at most 1"),
        ("form: man", "variant tiny_gan: form = man must be one of sum, mean. did you mean 'mean'?"),
        ("widths: 8", "variant tiny_gan: widths = 8 must be a list"),
        ("widths: [8, 0]", "variant tiny_gan: widths[1] = 0 must be at least 1"),
        ("widths: [[8], [x]]", "variant tiny_gan: widths[0] = x must be a whole number"),
        ("weight: 1, weight: 2", "the key 'weight' is given twice"),
    ],
)
def test_options(tmp_path: Path, option: str, says: str) -> None:
    found = said(tmp_path, GOOD.replace("variant: tiny_gan", f"variant: {{kind: tiny_gan, {option}}}"))
    assert [line.partition("  ")[2] for line in found] == [says]


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ("{variant: [], dataset: tiny_points}", "2:17  the list of variant is empty"),
        ("{variant: , dataset: tiny_points}", "2:8  variant must be a kind or a mapping with `kind`"),
        ("{variant: {weight: 1}, dataset: tiny_points}", "2:17  variant must be a kind or a mapping with `kind`"),
        ("{variant: tiny_gan, dataset: tiny_images}", "2:36  dataset tiny_images: its files are absent. set GANBENCH"),
        ("{dataset: tiny_points}", "2:7  the grid needs the axis 'variant'. allowed: "),
        ("[]", "2:7  the grid is empty"),
        ("3", "2:7  grid must be a mapping"),
    ],
)
def test_the_grid(tmp_path: Path, grid: str, says: str) -> None:
    found = said(tmp_path, GOOD.replace(GRID, grid))
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        ("seed: 0", "2:55  seed = 0 is the number of seeds and must be in 1 .. 100000. for a single seed write [3]"),
        ("seed: [-1]", "2:56  seed = -1 must be at least 0"),
        ("seed: [4294967296]", "2:56  seed = 4294967296 must be at most 4294967295"),
        ("seed: x", "2:55  seed = x must be a whole number"),
        ("schedule: g_frist", "2:59  schedule: order = g_frist must be one of d_first, g_first, simultaneous. did you"),
        ("schedule: 3", "2:59  schedule must be an order or a mapping"),
        ("schedule: {reuse: true}", "2:60  schedule has no option 'reuse'. did you mean 'reuse_z'?"),
        ("steps: 5", "3:9  train.steps is not used, because the grid has this axis"),
        ("batch: 1", "2:7  every run is excluded. variant tiny_gan: it needs batches of at least 2"),
        ("network: {kind: tiny_net, batchnorm: both}, batchnorm: none",
         "2:104  batchnorm none contradicts network tiny_net[batchnorm=both]"),
    ],
)  # fmt: skip
def test_an_axis(tmp_path: Path, axis: str, says: str) -> None:
    found = said(tmp_path, GOOD.replace(GRID, f"{{variant: tiny_gan, dataset: tiny_points, {axis}}}"))
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("trian: {batch: 3}", "4:1  a suite has no key 'trian'. did you mean 'train'?"),
        ("outcome: {good: x, diverse: []}", "4:17  good must be a mapping. allowed: metric, at_least"),
        ("claims: [x]", "4:10  a claim must be a mapping. allowed: says, source"),
        ("about: 3", "4:8  about = 3 must be text"),
        ("name: y", "4:1  the key 'name' is given twice"),
        ("select: best", "4:9  select = best is not a rule. allowed: last, tail, best:METRIC"),
        ("select: lsat", "4:9  select = lsat is not a rule. did you mean 'last'?"),
        ("select: best:fid", "4:9  select: no evaluator of this suite reports 'fid'. allowed: none"),
        ("evaluate: 3", "4:11  evaluate must be a mapping"),
        ("evaluate: {evry: 3}", "4:12  evaluate has no key 'evry'. did you mean 'every'?"),
        ("evaluate: {every: 0}", "4:19  every = 0 must be at least 1"),
        ("evaluate: {every: {tiny_pints: 3, default: 4}}", "4:20  there is no dataset 'tiny_pints' here. did you"),
        ("evaluate: {budget: 1.5}", "4:20  budget = 1.5 must be at most 1"),
        ("evaluate: {samples: 1.5}", "4:21  samples = 1.5 must be a whole number"),
        ("evaluate: {with: [tiny_scor]}", "4:19  there is no evaluator 'tiny_scor'. did you mean 'tiny_score'?"),
        ("evaluate: {with: tiny_score, samples: 9}",
         "4:18  evaluator tiny_score can score none of the suite's datasets. tiny_points: it needs 10 samples"),
        ("exclude: [{where: {variant: ns}}]", "4:11  exclude needs `because`"),
        ("exclude: [{because: x}]", "4:11  exclude needs `where`"),
        ("exclude: [{where: {}, because: x}]", "4:19  where names no axis"),
        ("exclude: [{where: {varian: ns}, because: x}]", "4:20  where has no key 'varian'. did you mean 'variant'?"),
        ("exclude: [{where: {variant: tiny_gan, seed: 1}, because: ''}]",
         "4:58  because must be a text that gives the reason"),
        ("exclude: [{where: {variant: tiny_gn}, because: x}]",
         "4:29  no run of this suite has variant tiny_gn. did you mean 'tiny_gan'? allowed: tiny_gan"),
        ("exclude: [{where: {seed: [1, 5]}, because: x}]", "4:27  no run of this suite has seed 1. allowed: 0"),
    ],
)  # fmt: skip
def test_the_other_sections(tmp_path: Path, line: str, says: str) -> None:
    assert says in said(tmp_path, GOOD + line)[0]


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        ("none.py", "none.py: can't be read: No such file or directory"),
        ("3", "plugins = 3 must be a Python or TorchScript file"),
    ],
)
def test_plugins(tmp_path: Path, plugin: str, says: str) -> None:
    path = write_suite(tmp_path, GOOD)
    path.write_text(path.read_text().replace("plugins: [", f"plugins: [{plugin}, "))
    with pytest.raises(SuiteError) as caught:
        load(path)
    assert f"suite.yaml:4:11  {says}" in str(caught.value)


def test_a_rule_of_values_that_never_meet_is_a_mistake(tmp_path: Path) -> None:
    grid = GRID.replace("}", ", batchnorm: none}")
    text = f"""
name: x
grid: [{grid}, {grid.replace("tiny_points", "ring8").replace("none", "both")}]
train: {{steps: 3}}
exclude:
  - {{where: {{dataset: ring8, batchnorm: none}}, because: x}}
"""
    assert said(tmp_path, text) == ["suite.yaml:5:5  this rule matches no run, because no run has all of these values"]


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ("{}", "train needs steps for dataset tiny_points. train: {steps: 4000}"),
        ("{steps: {ring8: 3}}", "train needs steps for dataset tiny_points. train: {steps: 4000}"),
        ("{steps: 0}", "steps = 0 must be at least 1"),
        (
            "{steps: [1, 2]}",
            "train takes a single value for steps, not a list. for several use the grid's axis 'steps'",
        ),
        ("{steps: 3, seed: 2}", "train has no key 'seed'. allowed: penalty, augment, network, batchnorm"),
        (
            "{steps: 3, optimizer: {kind: tiny_sgd, lr: [0.1, 0.2]}}",
            "train takes a single value for optimizer, not a list",
        ),
        ("{steps: 3, optimizer: {lr: 0.1}}", "optimizer must be a kind or a mapping with `kind`"),
        ("{steps: {default: 3, ring8: 0}}", "steps = 0 must be at least 1"),
    ],
)
def test_train(tmp_path: Path, train: str, says: str) -> None:
    grid = "{variant: tiny_gan, dataset: tiny_points}"
    found = said(tmp_path, f"name: x\ngrid: {grid}\ntrain: {train}")
    assert len(found) == 1
    assert says in found[0]


def test_a_suite_needs_a_name_a_grid_and_steps(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("train:\n")
    with pytest.raises(SuiteError) as caught:
        load(path)
    text = str(caught.value)
    assert "bare.yaml:1:1  a suite needs `name`" in text
    assert "bare.yaml:1:1  a suite needs `grid`" in text
    assert "bare.yaml:1:1  train must be a mapping" in text
    path.write_text("name: x\ngrid: {variant: ns, dataset: ring8}\n")
    with pytest.raises(SuiteError, match=r"bare\.yaml:1:1  train needs steps for dataset ring8"):
        load(path)


@pytest.mark.parametrize("name", ["../up", "a b", "", "-x", "3", "[x]", "a/b"])
def test_a_name_that_is_no_name(tmp_path: Path, name: str) -> None:
    assert "can't name a suite" in said(tmp_path, GOOD.replace("name: x", f"name: {name}"))[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\ngrid: [\n", ":2:8  not YAML: expected the node content, but found '<stream end>'"),
        ("name: x\n\tgrid: 3\n", ":2:1  not YAML: found character '\\t' that cannot start any token"),
        ("name: x: y\n", ":1:8  not YAML: mapping values are not allowed here"),
        ("name: *x\n", ":1:7  not YAML: found undefined alias 'x'"),
        ("name: x\n---\nname: y\n", ":2:1  not YAML: but found another document"),
        ("name: x\x00", "not YAML: unacceptable character #x0000"),
        ("[" * 600, ":1:101  it is nested too deep. at most 100 levels"),
        ("name: &a [*a]\n", ":1:7  an alias is inside its own anchor"),
        ("name: !secret x\n", ":1:7  tags such as !secret have no meaning in a suite"),
        ("? [a, b]\n: 3\n", ":1:3  a key is a word, not a list or a mapping"),
        ("'<<': {a: 1}\n", ":1:1  a suite has no key '<<'"),
        ("- name: x\n", ":1:1  a suite must be a mapping"),
        ("x\n", ":1:1  a suite must be a mapping"),
    ],
)
def test_what_is_not_a_suite_at_all(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError) as caught:
        load(path)
    assert says in str(caught.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"none\.yaml: can't be read: No such file or directory"):
        load(tmp_path / "none.yaml")
    with pytest.raises(RequestError, match="can't be read: Is a directory"):
        load(tmp_path)
    path = tmp_path / "suite.yaml"
    for nothing in ("", "\n\n", "# only a comment\n"):
        path.write_text(nothing)
        with pytest.raises(RequestError, match=r"it is empty\. a suite needs `name` and `grid`"):
            load(path)
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(RequestError, match="not UTF-8 text"):
        load(path)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = write_suite(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(load(path).specs) == 1
    path.write_bytes(path.read_bytes().replace(b"steps: 3", b"steps: x"))
    with pytest.raises(SuiteError, match=r"suite.yaml:3:16  steps = x must be a whole number"):
        load(path)


def test_two_evaluators_may_not_report_under_one_name(tmp_path: Path) -> None:
    path = write_suite(tmp_path, GOOD + "evaluate: {with: [tiny_score, other_score]}")
    (tmp_path / "other_score.py").write_text((tmp_path / "tiny_score.py").read_text())
    path.write_text(path.read_text().replace("plugins: [", "plugins: [other_score.py, "))
    with pytest.raises(SuiteError, match="tiny_score and other_score both report 'score_pixels'"):
        load(path)


RING = "name: x\ngrid: {variant: ns, dataset: ring8}\n"
LONG = f"[{', '.join(map(str, range(1, 3001)))}]"
TOO_LARGE = {
    "train: {steps: 3, batch: 10000000000000000000000}": "3:26  batch = 10000000000000000000000 must be at most "
    "1048576",
    "train: {steps: 1000000000000}": "3:16  steps = 1000000000000 must be at most 1000000000",
    "train: {steps: 1000000}\nevaluate: {every: 1, with: [modes]}": "4:19  a run has 1000000 marks. at most 10000. "
    "raise `every`",
    "train: {steps: 3}\nevaluate: {samples: 1000000000000, with: [modes]}": "4:21  samples = 1000000000000 must be at "
    "most 10000000",
    "train: {steps: 3}\nevaluate: {with: [{kind: kid, features: pixels, subsets: 1000000000000}]}": "4:58  evaluator "
    "kid: 1000000000000 is too large. whole numbers are at most 2147483647",
}  # fmt: skip


@pytest.mark.parametrize(("sections", "first"), TOO_LARGE.items(), ids=range(len(TOO_LARGE)))
def test_what_no_machine_can_run_is_a_mistake(sections: str, first: str, tmp_path: Path) -> None:
    assert said(tmp_path, f"{RING}{sections}\n")[0] == f"suite.yaml:{first}"


def test_the_product_of_lists_has_a_limit_before_it_is_made(tmp_path: Path) -> None:
    variant = f"{{kind: wgan_gp, gp_weight: {LONG}, n_critic: {LONG}}}"
    text = f"name: x\ngrid: {{variant: {variant}, dataset: ring8}}\ntrain: {{steps: 3}}\n"
    wanted = "the lists of these options have 9000000 combinations. at most 100000. give fewer"
    assert said(tmp_path, text) == [f"suite.yaml:2:44  {wanted}"]


def own_plugins(folder: Path, text: str) -> Path:
    """A suite file that names its own plug-ins."""
    (folder / "suite.yaml").write_text(text)
    return folder / "suite.yaml"


NO_WORDS = ["[modes]", "{modes: 1}", "[[modes]]", "null", "3"]


@pytest.mark.parametrize("value", NO_WORDS)
def test_a_list_where_a_word_is_expected_is_a_mistake(value: str, tmp_path: Path) -> None:
    text = f"{RING}train: {{steps: 3}}\nevaluate: {{with: [modes]}}\n"
    for asked in (
        f"compare: {{axis: variant, metric: {value}, baseline: ns}}",
        f"compare: {{axis: {value}, metric: modes, baseline: ns}}",
        f"claims: [{{says: a, source: b, value: {{metric: {value}, at_least: 1}}}}]",
        f"outcome: {{good: {{metric: hq, at_least: 1}}, diverse: {{metric: {value}, at_least: 1}}}}",
        f"select: {value}",
    ):
        assert said(tmp_path, f"{text}{asked}\n")


@pytest.mark.parametrize("escape", [r"\0", r"\ud800"])
def test_a_text_that_no_file_can_hold_is_a_mistake(escape: str, tmp_path: Path) -> None:
    for section in (f'plugins: ["a{escape}b.py"]', f'about: "a{escape}"', f'"a{escape}": 3'):
        with pytest.raises(SuiteError, match=r"yaml:4:\d+  a text has a NUL or half of a surrogate"):
            load(own_plugins(tmp_path, f"{RING}train: {{steps: 3}}\n{section}\n"))


def test_a_plugin_in_a_circle_of_links_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("a.py")
    with pytest.raises(SuiteError, match=r"yaml:4:11  a.py:? can't be (opened|read)"):
        load(own_plugins(tmp_path, f"{RING}train: {{steps: 3}}\nplugins: [a.py]\n"))


REPORTS = """
from dataclasses import dataclass
from typing import ClassVar
from ganbench.evaluators.base import Evaluator, Metric

@dataclass(frozen=True, kw_only=True)
class Mine(Evaluator):
    version: ClassVar[int] = 1
    source: ClassVar[str] = "me"
    def metrics(self): return (Metric({name!r}, "lower"),)
    def needs(self): return ()
    def unsupported(self, space, samples, modes): return None
    def __call__(self, fake, real, rng): return {{}}
"""


@pytest.mark.parametrize("name", ["", "a b", "/a", "a/", "../a", "a//b", "a\nb", "intra/class 3", "a\x1b[31m"])
def test_a_name_that_can_not_be_a_metrics_is_a_mistake(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(REPORTS.format(name=name))
    text = f"{RING}train: {{steps: 3}}\nevaluate: {{with: [mine]}}\nplugins: [mine.py]\n"
    with pytest.raises(SuiteError) as caught:
        load(own_plugins(tmp_path, text))
    assert f"yaml:4:19  mine reports {name!r}, which can't name a metric" in str(caught.value)


def test_a_metrics_name_may_have_parts(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(REPORTS.format(name="mine/score.1"))
    text = f"{RING}train: {{steps: 3}}\nevaluate: {{with: [mine]}}\nplugins: [mine.py]\nselect: best:mine/score.1\n"
    assert [metric.name for metric in load(own_plugins(tmp_path, text)).evaluation.metrics] == ["mine/score.1"]
