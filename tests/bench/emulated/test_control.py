"""Requests to the virtual device: answered one by one, whatever they are, over a real socket."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.bench.emulated.control import ControlServer, ask
from lab.errors import BadInput, LabFailure


def _refuse(what):
    raise BadInput(f"there is no {what}")


def _break():
    raise RuntimeError("disk full")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("control") / "socket"
    acts = {"add": lambda a, b: {"sum": a + b}, "refuse": _refuse, "break": _break}
    one = ControlServer(path, acts)
    one.path = path
    yield one
    one.close()


def test_a_request_is_answered(server):
    assert ask(server.path, "add", a=1, b=2) == {"sum": 3}


@pytest.mark.parametrize(
    ("do", "request_", "error", "said"),
    [
        ("refuse", {"what": "room"}, BadInput, "there is no room"),
        ("break", {}, LabFailure, "RuntimeError: disk full"),
        ("add", {"a": 1}, BadInput, "request not understood"),
        ("dance", {}, BadInput, "one of add, refuse, break"),
    ],
)
def test_a_refusal_arrives_as_what_it_was(server, do, request_, error, said):
    with pytest.raises(error, match=said):
        ask(server.path, do, **request_)


def test_nobody_there_is_a_failure_of_the_lab(tmp_path):
    with pytest.raises(LabFailure, match="virtual device: no answer to add"):
        ask(tmp_path / "nothing", "add")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "a", "b"]), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_request_has_an_answer(server, line):
    answer = server.answer(line)
    assert set(answer) in ({"ok"}, {"error", "bad_input"})
    json.dumps(answer)
