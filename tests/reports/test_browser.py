"""The page in a real browser: it fits a phone, plays its clips and prints."""

from __future__ import annotations

import html as entities
import json
import re
import subprocess

import pytest

from lab.commands.report import report
from lab.errors import LabFailure
from lab.store.results import write as write_results
from reports import page, printing
from reports.run import open_run

BROWSER = printing.find_browser()
A4_TEXT_PX = 703  # 210 mm less margins of 12 mm, at 96 a inch
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")

# The page stands in a frame of the wanted width, because a headless window is never narrower than about 500 px.
PROBE = """<!doctype html><iframe id="frame" style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>
<pre id="answer"></pre>
<script>
const frame = document.getElementById("frame");
frame.onload = async () => {{
  const inside = frame.contentDocument, audio = [...inside.querySelectorAll("audio")];
  await Promise.all(audio.map(one => one.readyState >= 1 || new Promise(done => {{
    one.onloadedmetadata = done; one.onerror = done; setTimeout(done, 8000);
  }})));
  const limit = inside.documentElement.clientWidth;
  const boxed = one => one.closest(".scroll, code, svg");
  document.getElementById("answer").textContent = JSON.stringify({{
    title: inside.title,
    client: limit,
    scroll: inside.documentElement.scrollWidth,
    tooWide: [...inside.body.querySelectorAll("*")].filter(
      one => !boxed(one) && one.getBoundingClientRect().right > limit + 1).map(one => one.outerHTML.slice(0, 120)),
    tables: [...inside.querySelectorAll("table")].map(one => Math.round(one.getBoundingClientRect().right)),
    durations: audio.map(one => one.duration),
    pictures: [...inside.images].map(one => one.naturalWidth),
    figures: [...inside.querySelectorAll(".figures svg")].map(one => one.getBoundingClientRect().height),
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map(one => one.name.slice(0, 60))
      .filter(name => !name.startsWith("data:")),
  }});
}};
</script>"""


def look(page: str, width: int, folder) -> dict:
    """What the browser makes of the page at this width in CSS pixels."""
    file = folder / f"probe-{width}.html"
    file.write_text(PROBE.format(width=width, page=entities.escape(page)), encoding="utf-8")
    arguments = ("--window-size=1400,1000", "--virtual-time-budget=15000", "--dump-dom", file.as_uri())
    call = printing.browser_command(BROWSER, str(folder / "profile"), *arguments)
    dom = subprocess.run(call, check=True, capture_output=True, text=True, timeout=100).stdout
    return json.loads(entities.unescape(re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)[1]))


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_plays_and_fetches_nothing(html, width, tmp_path):
    seen = look(html, width, tmp_path)
    assert seen["client"] >= width - 20
    assert seen["scroll"] <= seen["client"]
    assert seen["tooWide"] == []
    assert seen["fetched"] == []
    assert seen["title"].startswith("FAIL")
    assert seen["durations"] == pytest.approx([3.0] * 7)
    assert min(seen["pictures"]) > 300 and len(seen["pictures"]) == 7
    assert min(seen["figures"]) > 150


@needs_browser
def test_no_column_of_a_recordings_table_is_lost_on_paper(small_folder, tmp_path):
    results = open_run(small_folder).results
    scenario = results.scenarios[1]
    (row,) = scenario.results
    cells = [
        {"colour": colour, "snr_db": snr_db} for colour in ("babble", "household") for snr_db in range(10)
    ]
    rows = [row.model_copy(update={"cell": cell, "curve": None}) for cell in cells]
    scenario = scenario.model_copy(update={"results": rows})
    write_results(results.model_copy(update={"scenarios": [scenario]}), tmp_path / "results.json")
    printed = page.render([open_run(tmp_path)]).replace("@media print", "@media all")
    seen = look(printed, A4_TEXT_PX, tmp_path)
    assert max(seen["tables"]) <= A4_TEXT_PX


@needs_browser
def test_report_command_writes_page_and_pdf(small_folder, tmp_path, capsys):
    report([small_folder], None, tmp_path / "page.html", tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert capsys.readouterr().out.splitlines() == [
        f"report: {tmp_path / 'page.html'}",
        f"printed: {tmp_path / 'page.pdf'}",
    ]


def test_pdf_without_a_browser_is_one_clear_message_and_keeps_the_page(small_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFailure, match="needs one of chromium"):
        report([small_folder], None, tmp_path / "page.html", tmp_path / "page.pdf")
    assert (tmp_path / "page.html").is_file()
