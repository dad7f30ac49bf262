"""Empty plots of the page, as Bokeh models that the page's scripts fill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, CustomJS, FactorRange, HoverTool, LinearColorMapper, Range1d
from bokeh.palettes import Cividis256, interp_palette
from bokeh.plotting import figure

INPUT, OUTPUT, INK, ACCENT = "#3f90da", "#bd1f01", "#8a8f98", "#ffa90e"
"""Colours of input and output weights, of what stays in the background, and of what is chosen."""
SIGNED = ("#832db6", "#b58fd0", "#f2f0ee", "#f0b04c", "#a85a00")
"""Purple below 0, orange above: told apart in every common kind of colour blindness."""
TAP = "window.explorer.tapped(plot, cb_obj.x, cb_obj.y)"


def templates() -> dict[str, Any]:
    """Return every plot by its kind, as JSON that Bokeh's script shows."""
    made = {kind: draw() for kind, draw in PLOTS.items()}
    return {kind: json_item(plot) for kind, plot in made.items()}


def _plot(
    labels: tuple[str, str], height: int = 240, logs: str = "", hover: Sequence[tuple[str, str]] = ()
) -> Any:
    """Return a plot without data; `logs` names its logarithmic axes."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="log" if "x" in logs else "linear",
        y_axis_type="log" if "y" in logs else "linear",
        x_range=Range1d(start=0.9, end=10),
        y_range=Range1d(start=0.1 if "y" in logs else -1, end=1),
        x_axis_label=labels[0],
        y_axis_label=labels[1],
        tools="box_zoom,reset",
        toolbar_location="above",
        min_border=4,
        output_backend="canvas",
    )
    _plain(plot)
    if hover:
        plot.add_tools(HoverTool(tooltips=list(hover)))
    return plot


def _plain(plot: Any) -> None:
    """Show a plot's toolbar only while it is pointed at."""
    plot.toolbar.autohide, plot.toolbar.logo = True, None


def _in_proportion(plot: Any, width_by_height: float) -> Any:
    """Return a plot that keeps its proportions, at most as high as it was declared."""
    plot.sizing_mode, plot.aspect_ratio = "scale_width", width_by_height
    plot.max_width = round(plot.height * width_by_height)
    return plot


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def _lines(plot: Any, name: str, **look: Any) -> None:
    columns = (
        "xs",
        "ys",
        *(value for value in look.values() if value in ("color", "dash", "width", "alpha")),
    )
    plot.multi_line("xs", "ys", source=_source(name, *dict.fromkeys((*columns, "label"))), **look)


def _points(plot: Any, name: str, **look: Any) -> None:
    plot.scatter("x", "y", source=_source(name, "x", "y", "color", "size", "label"), **look)


def _on_tap(plot: Any) -> Any:
    plot.js_on_event("tap", CustomJS(args={"plot": plot}, code=TAP))
    return plot


def _over_steps(label: str, logs: str = "x", height: int = 220) -> Any:
    """Return curves over steps, with markers and the line of the slider."""
    plot = _plot(
        ("step", label), height, logs, [("", "@label"), ("step", "$x{0,0}"), ("value", "$y{0.0000}")]
    )
    plot.vspan(x="x", source=_source("marks", "x", "color"), line_color="color", line_dash="dotted")
    _lines(plot, "lines", line_color="color", line_dash="dash", line_width="width")
    plot.vspan(x="x", source=_source("now", "x"), line_color=ACCENT, line_width=2)
    return plot


def _image(labels: tuple[str, str], palette: Sequence[str], height: int, name: str = "image") -> Any:
    plot = _plot(labels, height)
    mapper = LinearColorMapper(palette=list(palette), low=0, high=1, name="colors")
    source = _source(name, "image", "x", "y", "dw", "dh")
    plot.image("image", "x", "y", "dw", "dh", source=source, color_mapper=mapper)
    plot.grid.visible = False
    return plot


def _signed() -> list[str]:
    return list(interp_palette(SIGNED, 255))


def _neurons() -> Any:
    plot = _plot(("", ""), 380)
    plot.axis.visible = plot.grid.visible = False
    cells = _source("cells", "x", "y", "w", "h", "color", "label")
    plot.rect("x", "y", "w", "h", source=cells, fill_alpha=0, line_color="color", line_alpha=0.6)
    for name, color in (("fits", "#ffa90e"), ("outputs", OUTPUT), ("inputs", INPUT)):
        plot.line("x", "y", source=_source(name, "x", "y"), line_color=color)  # one path, with gaps
    plot.text(
        "x", "y", "text", source=_source("names", "x", "y", "text"), text_font_size="9px", text_color=INK
    )
    return _on_tap(plot)


def _spectrum() -> Any:
    plot = _image(("frequency", "neuron, in the order chosen"), Cividis256, 320)
    plot.rect(
        "x", "y", "w", "h", source=_source("chosen", "x", "y", "w", "h"), fill_alpha=0, line_color=ACCENT
    )
    return _on_tap(plot)


def _waves() -> Any:
    plot = _plot(("residue", "weight"), 240)
    _lines(plot, "start", line_color="color", line_width=1, line_dash="dotted")
    _lines(plot, "fits", line_color="color", line_width=1, line_alpha=0.6, line_dash="dashed")
    _lines(plot, "waves", line_color="color", line_width=2)
    return plot


def _amplitudes() -> Any:
    plot = _plot(("frequency", "amplitude"), 200)
    bars = _source("bars", "x", "top", "color")
    plot.vbar(x="x", top="top", width=0.38, source=bars, color="color")
    return plot


def _phase() -> Any:
    plot = _plot(("step", "phase (radians)"), 200, "x", [("", "@label")])
    _points(plot, "points", color="color", size="size")
    plot.vspan(x="x", source=_source("now", "x"), line_color=ACCENT, line_width=2)
    return plot


def _weights() -> Any:
    plot = _image(("unit that it is connected with", ""), _signed(), 110)
    plot.yaxis.visible = False
    mapper = plot.select_one({"name": "colors"})
    mapper.nan_color, mapper.high_color = "#b9bcc3", "rgba(0, 0, 0, 0)"  # pruned; no such unit
    return plot


def _ring() -> Any:
    plot = _in_proportion(_plot(("", ""), 340, hover=[("", "@label")]), 1)
    plot.axis.visible = plot.grid.visible = False
    _lines(plot, "circles", line_color=INK, line_width=1)
    _lines(plot, "links", line_color="color", line_alpha=0.5)
    _points(plot, "points", color="color", size="size")
    return plot


def _logits() -> Any:
    return _in_proportion(_image(("b", "a"), _signed(), 360), 1)


def _mask() -> Any:
    return _image(("unit out", "unit in"), ["#e4e6ea", "#26292f"], 260)


def _mask_graph() -> Any:
    plot = _in_proportion(_plot(("", ""), 260, hover=[("", "@label")]), 2.35)
    plot.axis.visible = plot.grid.visible = False
    for name in ("others", "same"):  # the second lies over the first
        _lines(plot, name, line_color="color", line_alpha=0.5, line_width=1.5)
    _points(plot, "points", color="color", size="size")
    plot.text(
        *("x", "y", "text"), source=_source("names", "x", "y", "text"), text_font_size="10px", text_color=INK
    )
    return plot


def _graph() -> Any:
    plot = figure(
        height=330,
        sizing_mode="stretch_width",
        y_range=FactorRange(factors=[]),
        x_range=Range1d(start=-1, end=1),
        x_axis_label="deviation from random masks",
        tools="box_zoom,reset",
        toolbar_location="above",
        min_border=4,
    )
    _plain(plot)
    plot.add_tools(HoverTool(tooltips=[("", "@label")]))
    source = _source("points", "x", "y", "color", "marker", "label")
    plot.scatter("x", "y", source=source, color="color", marker="marker", size=9)
    plot.vspan(x=[0], line_color=INK)
    return plot


def _attention() -> Any:
    plot = _image(("b, for each head", "a"), Cividis256, 220)
    plot.xaxis.visible = False
    return plot


def _head_waves() -> Any:
    plot = _plot(("residue a", "mean attention to a"), 220, hover=[("", "@label")])
    _lines(plot, "lines", line_color="color", line_width=2)
    return plot


def _circles() -> Any:
    plot = _in_proportion(_plot(("", ""), 290, hover=[("", "@label")]), 1.5)
    plot.axis.visible = plot.grid.visible = False
    _lines(plot, "links", line_color=INK, line_alpha=0.5)
    _points(plot, "points", color="color", size="size")
    plot.text(
        "x", "y", "text", source=_source("names", "x", "y", "text"), text_font_size="10px", text_color=INK
    )
    return plot


PLOTS = {
    "accuracy": lambda: _over_steps("accuracy"),
    "loss": lambda: _over_steps("loss (nats)", "xy"),
    "norm": lambda: _over_steps("norm of all weights", "xy"),
    "neurons": _neurons,
    "spectrum": _spectrum,
    "waves": _waves,
    "amplitudes": _amplitudes,
    "phase": _phase,
    "weights": _weights,
    "ring": _ring,
    "logits": _logits,
    "mask": _mask,
    "mask_graph": _mask_graph,
    "graph": _graph,
    "race": lambda: _over_steps("share of the variance", height=240),
    "progress_losses": lambda: _over_steps("loss (nats)", "xy", 240),
    "progress_measures": lambda: _over_steps("measure", height=240),
    "attention": _attention,
    "head_waves": _head_waves,
    "circles": _circles,
}
"""By kind: what makes the plot."""
