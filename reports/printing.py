"""PDF of a report: the same page, printed by a Chromium found on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.errors import LabFailure

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_S = 120


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def browser_command(browser: str, profile: str, *arguments: str) -> list[str]:
    """A headless call that touches no profile of the user. Chromium refuses its sandbox to root."""
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [browser, *QUIET, *sandbox, f"--user-data-dir={profile}", *arguments]


def print_pdf(html: Path, pdf: Path) -> None:
    """Print `html` as A4 to `pdf`; raises LabFailure when no browser is there or it fails."""
    browser = find_browser()
    if browser is None:
        raise LabFailure(
            f"--pdf {pdf}: needs one of {', '.join(BROWSERS)} on PATH; or open the HTML in any browser and print it"
        )
    pdf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = ("--no-pdf-header-footer", f"--print-to-pdf={pdf.resolve()}", html.resolve().as_uri())
        try:
            call = browser_command(browser, profile, *arguments)
            done = subprocess.run(call, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise LabFailure(f"--pdf {pdf}: {browser} did not finish in {TIMEOUT_S} s") from error
    if done.returncode or not pdf.is_file():
        raise LabFailure(f"--pdf {pdf}: {browser} failed: {done.stderr.strip()[-200:]}")
