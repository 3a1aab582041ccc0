"""Shared by all tests."""

from hypothesis import settings

# The same examples in every run: what fails for somebody fails for all. `--hypothesis-profile=random` looks further.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("fixed")

pytest_plugins = ["pytester"]
