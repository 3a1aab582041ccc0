"""Tests; a package, so that it is found before the `tests` that some dependencies install."""
