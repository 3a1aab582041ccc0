import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from lab.errors import BadInput
from reports import figures, panels, style
from tests.reports.synthetic_run import THRESHOLD, synthetic_results


@pytest.fixture(scope="module")
def results():
    return synthetic_results()


@pytest.fixture(scope="module")
def distance_rows(results):
    return results.scenarios[0].results


def test_every_cell_appears_on_exactly_one_line(distance_rows):
    drawn = [
        row for panel in panels.over(distance_rows, "distance_m") for line in panel.lines for row in line.rows
    ]
    assert len(drawn) == len(distance_rows)
    assert {id(row) for row in drawn} == {id(row) for row in distance_rows}


def test_lines_of_a_panel_share_no_cell_and_stay_few(distance_rows):
    for panel in panels.per_cell(distance_rows):
        assert len(panel.lines) <= style.MAX_LINES
        assert len({line.label for line in panel.lines}) == len(panel.lines)
        assert all(len(line.rows) == 1 for line in panel.lines)


def test_numeric_sweeps_become_axes_and_flags_do_not(distance_rows):
    rows = [
        row.model_copy(update={"cell": row.cell | {"lossy": index % 2 == 0}})
        for index, row in enumerate(distance_rows)
    ]
    assert panels.axes_of(rows) == ["distance_m"]
    assert "lossy" not in panels.numeric_keys(rows)


def test_rate_line_runs_through_the_measured_rates(distance_rows):
    panel = panels.over(distance_rows, "distance_m")[0]
    line = figures.rate_over(panel, "distance_m").axes[0].lines[0]
    rows = panel.lines[0].rows
    assert line.get_xdata().tolist() == [1.0, 2.0, 3.0, 6.1, 9.1]
    assert line.get_ydata().tolist() == [row.detection.rate for row in rows]


def test_limits_stand_at_their_distance(distance_rows):
    panel = panels.over(distance_rows, "distance_m")[0]
    marks = figures.rate_over(panel, "distance_m").axes[0].lines[-1]
    assert list(zip(marks.get_xdata(), marks.get_ydata())) == [(3.0, 0.9)]


def test_axes_name_their_units(distance_rows, results):
    panel = panels.over(distance_rows, "distance_m")[0]
    assert figures.rate_over(panel, "distance_m").axes[0].get_xlabel() == "Distance (m)"
    alarms = figures.false_alarm_curves(panels.per_cell(results.scenarios[2].results)[0], (2, 6)).axes[0]
    assert (alarms.get_ylabel(), alarms.get_yscale()) == ("False alarms per hour", "log")


def test_false_alarm_line_stops_where_none_was_seen_but_its_bound_goes_on(results):
    row = results.scenarios[2].results[0]
    axes = figures.false_alarm_curves(panels.per_cell([row])[0], (2, 12)).axes[0]
    rate, bound = axes.lines[0], axes.lines[1]
    seen = np.array(row.curve.false_alarms_per_hour) > 0
    assert np.isnan(rate.get_ydata()).tolist() == (~seen).tolist()
    assert np.all(bound.get_ydata() > 0)


def test_threshold_span_always_holds_the_build_threshold(distance_rows):
    first, last = figures.threshold_span(distance_rows, "false_alarms_per_hour")
    assert first < THRESHOLD < last


def test_det_ring_is_the_operating_point_of_the_build(results):
    row = results.scenarios[0].results[4]
    rates = [max(rate, 0.01) for rate in row.curve.false_alarms_per_hour]
    row = row.model_copy(update={"curve": row.curve.model_copy(update={"false_alarms_per_hour": rates})})
    ring = figures.det_curves(panels.per_cell([row])[0]).axes[0].lines[1]
    at = int(np.argmin(np.abs(np.array(row.curve.threshold) - THRESHOLD)))
    assert ring.get_xdata() == [rates[at]]
    assert ring.get_ydata() == pytest.approx([1 - row.curve.detection_rate[at]])


def test_svg_keeps_text_escapes_it_and_parses_as_xml(distance_rows):
    nasty = 'pink</text><script>alert("1")</script> & $x^2$'
    rows = [row.model_copy(update={"cell": row.cell | {"variant": nasty}}) for row in distance_rows[:10]]
    rows += distance_rows[10:20]
    panel = panels.over(rows, "distance_m")[0]
    svg = style.to_svg(figures.rate_over(panel, "distance_m"), f'Rate of "{nasty}"')
    tree = ElementTree.fromstring(svg)
    texts = ["".join(node.itertext()).strip() for node in tree.iter() if node.tag.endswith("text")]
    assert "Detection rate" in texts
    assert any(nasty in text for text in texts)
    assert not [node for node in tree.iter() if node.tag.endswith("script")]


def test_figures_of_one_page_share_no_id(distance_rows):
    drawn = [
        style.to_svg(figures.rate_over(panel, "distance_m"), panel.title)
        for panel in panels.over(distance_rows, "distance_m")
    ]
    ids = [name for svg in drawn for name in re.findall(r' id="([^"]+)"', svg)]
    used = {name for svg in drawn for name in re.findall(r'(?:url\(#|href="#)([^")]+)', svg)}
    assert len(ids) == len(set(ids)) > 0
    assert used <= set(ids)


def test_long_names_stay_inside_the_figure(distance_rows):
    name = "a household with a dishwasher, an extractor hood and two children in the next room"
    rows = [row.model_copy(update={"cell": row.cell | {"variant": name}}) for row in distance_rows[:10]]
    figure = figures.rate_over(panels.over(rows + distance_rows[10:20], "distance_m")[0], "distance_m")
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    for text in [*figure.legends[0].get_texts(), figure.axes[0].title]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


def test_svg_takes_ink_and_paper_from_the_page(distance_rows):
    svg = style.to_svg(figures.rate_over(panels.over(distance_rows, "distance_m")[0], "distance_m"), "rate")
    assert "var(--ink)" in svg
    assert not re.search(r"fill: (#ffffff|white|#1b1f23|#000000)", svg)


def test_the_same_rows_give_the_same_svg(distance_rows):
    panel = panels.over(distance_rows, "distance_m")[0]
    first, second = (style.to_svg(figures.rate_over(panel, "distance_m"), "rate") for _ in range(2))
    assert first == second


def test_readme_figure_is_written_as_a_picture(results, tmp_path):
    figures.write_rate_figure(results, "distance", tmp_path / "rate.png")
    picture = imread(tmp_path / "rate.png")
    assert picture.shape[1] > 600
    assert picture[..., :3].std() > 0.05
    right_edge = picture[:60, -3:, :3]
    assert np.all(right_edge == 1.0), "the title runs off the picture"


@pytest.mark.parametrize(
    ("scenario", "axis", "message"),
    [("nowhere", "distance_m", "no scenario 'nowhere'"), ("snr", "distance_m", "distance_m is not swept")],
)
def test_readme_figure_names_what_is_missing(results, tmp_path, scenario, axis, message):
    with pytest.raises(BadInput, match=message):
        figures.write_rate_figure(results, scenario, tmp_path / "rate.png", axis)
