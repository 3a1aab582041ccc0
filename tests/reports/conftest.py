"""A run folder that every test of this package may read, and none may change."""

from __future__ import annotations

import pytest

from reports import page
from reports.run import open_run
from tests.reports.synthetic_run import write_run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "new")


@pytest.fixture(scope="session")
def older_folder(run_folder):
    """A build whose scores are 1.5 lower, beside the run."""
    return write_run(run_folder.parent / "old", shift=-1.5, build="older")


@pytest.fixture(scope="session")
def small_folder(run_folder):
    """Two scenarios without a sweep, quick to draw."""
    return write_run(run_folder.parent / "small", only=("unmarked_media", "wake_word"))


@pytest.fixture(scope="session")
def html(run_folder, older_folder):
    """The page of the run against the older one, as written beside its results."""
    text = page.render([open_run(run_folder)], open_run(older_folder), run_folder)
    page.write(text, run_folder / "report.html")
    return text
