"""The locks install the same files everywhere: pinned, hashed, and free of any index address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime", "dev", "train")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def text_of(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """name -> (version, number of hashes); fails on anything that is not a pin with hashes."""
    found = {}
    for entry in text_of(lock).replace("\\\n", " ").splitlines():
        head, *hashes = entry.split("--hash=")
        pin = re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)(?:\s*;.*)?", head.strip())
        assert pin, f"not a pin: {entry}"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in hashes)
        found[pin[1]] = (pin[2], len(hashes))
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower().replace("_", "-") for one in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_with_hashes_and_names_no_index(lock: str):
    assert all(hashes >= 1 for _, hashes in pins(lock).values())
    assert (
        "://" not in text_of(lock) and "--index" not in text_of(lock) and "--find-links" not in text_of(lock)
    )


def test_the_test_packages_add_to_what_users_run():
    runtime, dev = pins("runtime"), pins("dev")
    assert {name: dev.get(name) for name in runtime} == runtime


def test_the_training_packages_are_no_part_of_what_users_run():
    assert not set(pins("runtime")) & set(pins("train"))


def test_everything_the_project_asks_for_is_locked():
    groups = PROJECT["dependency-groups"]
    assert names(PROJECT["project"]["dependencies"] + groups["build"]) <= set(pins("runtime"))
    assert names(groups["dev"]) <= set(pins("dev"))
    assert names(groups["train"]) <= set(pins("train"))
