"""The page: the template has a macro for each kind of block; charts are SVG, pictures are data URIs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ganbench.report.model.document import Gallery, flat, repeated_notes
from ganbench.report.render.html import charts, curves, tables
from ganbench.report.render.html.gallery import encoded

if TYPE_CHECKING:
    from ganbench.report.model.document import Block, Curves, Document, Frame, Picture, Ranks, SearchCurves, SeedDots
    from ganbench.report.render.html.gallery import Encoded


FEWEST_RANKED = 3  # values of an axis in a diagram of ranks: the order of two is in the table


@dataclass(frozen=True)
class Thumbnail:
    """A picture as the source of an `img`."""

    picture: Picture
    source: str


def draw(document: Document) -> str:
    """The whole page."""
    assets = files("ganbench.report.render.html") / "assets"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sections = [section for section in document.sections if section.audience != "paper"]
    blocks = flat(block for section in sections for block in section.blocks)
    sources, left_out = encoded([block for block in blocks if isinstance(block, Gallery)])
    environment.filters |= {
        "soft": tables.soft,
        "breakable_name": tables.breakable_name,
        "kind": lambda block: type(block).__name__,
        "shown": tables.shown,
        "rows": tables.rows,
        "plain_names": tables.plain_names,
        "is_answers": tables.is_answers,
        "dots": _dots,
        "frames": _frames,
        "ranks": _ranks,
        "profiles": _profiles,
        "searches": _searches,
        "has_pictures": lambda block: any(_thumbnails((*cell.last, *cell.over_time), sources) for cell in block.cells),
        "real_source": lambda block: sources.get(block.real),
        "thumbnails": lambda pictures: _thumbnails(pictures, sources),
    }
    template = environment.from_string((assets / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        document=document,
        repeated=repeated_notes(document),
        sections=[(section, [block for block in section.blocks if _for_page(block)]) for section in sections],
        left_out=left_out,
        style=Markup((assets / "style.css").read_text(encoding="utf-8")),
        script=Markup((assets / "script.js").read_text(encoding="utf-8")),
    )


def _for_page(block: Block) -> bool:
    return getattr(block, "audience", "all") != "paper"


def _dots(block: SeedDots) -> charts.Strip:
    """A chart for each cell, all on one scale, and the numbers of the scale; no row if no cell has a number."""
    rows = zip(block.names.short, block.dots, block.means, strict=True)
    strip = charts.strip([charts.StripRow(*row) for row in rows], block.metric)
    return charts.Strip(tuple(map(Markup, strip.rows)), Markup(strip.foot)) if strip else charts.Strip((), "")


def _frames(block: Curves) -> list[tuple[Frame, Markup]]:
    """Each frame that has a number, with its chart."""
    drawn = curves.frames(block, f"{block.anchors[0]}-scales")
    return [(frame, Markup(svg)) for frame, svg in zip(block.frames, drawn, strict=True) if svg]


def _ranks(block: Ranks) -> Markup:
    ranking = block.standing.ranking
    if len(block.values) < FEWEST_RANKED:
        return Markup("")
    return Markup(charts.critical_difference(block.values, ranking.ranks, ranking.cliques))


def _profiles(block: Ranks) -> Markup:
    standing = block.standing
    if not standing.profiles:
        return Markup("")
    return Markup(charts.profiles(block.values, standing.taus, standing.profiles, block.metric))


def _searches(block: SearchCurves) -> list[tuple[str, Markup]]:
    """A panel for each contender with the best of k by k, all on one scale."""
    contenders = [contender.name for contender in block.contenders]
    points = [[(point.k, point.mean, point.low, point.high) for point in c.curve] for c in block.contenders]
    return [(name, Markup(svg)) for name, svg in zip(contenders, curves.searches(contenders, points), strict=False)]


def _thumbnails(pictures: tuple[Picture, ...], sources: Encoded) -> list[Thumbnail]:
    return [Thumbnail(picture, sources[picture.path]) for picture in pictures if picture.path in sources]
