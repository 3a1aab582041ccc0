"""A page as a reader sees it, and runs that differ a little from those in a folder."""

from __future__ import annotations

import html as entities
import re
from html.parser import HTMLParser

from lab.store.results import write as write_results
from reports.run import open_run


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def named(self, name):
        return [attrs for tag, attrs in self.found if tag == name]


def visible(text):
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(entities.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def changed(folder, target, **update):
    """The run in `folder` with its results changed, opened from `target`."""
    write_results(open_run(folder).results.model_copy(update=update), target / "results.json")
    return open_run(target)
