"""One look for every figure: Okabe-Ito colours, one size, text kept as text.

Colours: Okabe and Ito, Color Universal Design (2008), without yellow, which is too pale on paper. Each line also
has its own dash and marker, so that no reading depends on colour.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

INK = "#1b1f23"
RULE = "#d9dde1"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", INK)
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 3)), (0, (3, 2)), "-")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MAX_LINES = len(COLOURS)
SIZE_IN = (4.7, 2.9)
LEGEND_ROW_IN = 0.21
TITLE_WIDTH = 46  # letters a line
LABEL_WIDTH = 48

RC = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a `$` in a name is a `$`
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",  # the page shows through, light or dark
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class LineStyle:
    colour: str
    dash: str | tuple
    marker: str


def line_style(index: int) -> LineStyle:
    """Style of the index-th line of a figure; they repeat after MAX_LINES."""
    index %= MAX_LINES
    return LineStyle(COLOURS[index], DASHES[index], MARKERS[index])


def look() -> AbstractContextManager:
    """The common look while the block lasts; text takes its properties when it is made."""
    return matplotlib.rc_context(RC)


@contextmanager
def new_figure(title: str = "") -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, under the common look while the block lasts."""
    with look():
        figure = Figure(figsize=SIZE_IN)
        axes = figure.add_subplot()
        if title:
            set_title(axes, title)
        yield figure, axes


def set_title(axes: Axes, title: str) -> None:
    """Title over the axes, on as many lines as it takes."""
    axes.set_title(textwrap.fill(title, TITLE_WIDTH), loc="left")


def legend(figure: Figure, lines: Sequence[Line2D], labels: Sequence[str]) -> None:
    """Legend below the axes, where it hides no data; the figure grows by what it takes."""
    labels = [textwrap.fill(label, LABEL_WIDTH) for label in labels]
    columns = max(1, min(3, 62 // (max(map(len, labels)) + 7)))
    rows = math.ceil(len(labels) / columns) + sum(label.count("\n") for label in labels)
    width, height = SIZE_IN
    figure.set_size_inches(width, height + LEGEND_ROW_IN * rows)
    figure.legend(lines, labels, loc="outside lower center", ncols=columns, handlelength=2.8)


def plain_log(axis: Axis) -> None:
    """Tick labels 0.01, 0.1, 1, 10 on a logarithmic axis; no powers to decode."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def to_png(figure: Figure, path, dpi: int = 160) -> None:
    """The same figure as a picture on white."""
    with look():
        figure.savefig(path, dpi=dpi, facecolor="white")


def to_svg(figure: Figure, alternative: str) -> str:
    """Inline SVG that scales with its box and follows the page's colours.

    alternative: what the figure shows, for people who do not see it. Ids are made unique to the figure, because
    several figures share one page.
    """
    drawing = io.StringIO()
    with matplotlib.rc_context(RC | {"svg.hashsalt": "earshot"}):
        FigureCanvasSVG(figure).print_svg(
            drawing, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    svg = drawing.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', _opening(alternative), svg, count=1)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    svg = _unique_ids(svg, f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}-")
    return svg.replace(INK, "var(--ink)").replace(RULE, "var(--rule)")


def _opening(alternative: str) -> str:
    label = quoteattr(alternative).replace("\\", "\\\\")
    return rf'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="\1" role="img" aria-label={label}>'


def _unique_ids(svg: str, prefix: str) -> str:
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{prefix}{found[1]}"' if found[1] in used else "", svg)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", svg)
