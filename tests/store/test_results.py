import json
import math
from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.store.results import FORMAT, Results, read, write


def test_results_come_back_as_they_were_written(tmp_path, example_results):
    write(example_results, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == example_results
    assert read(tmp_path) == example_results


def test_infinite_figures_survive_as_standard_json(tmp_path, example_results):
    scenario = example_results.scenarios[0]
    row = scenario.results[0].model_copy(update={"threshold": math.inf})
    scenario = scenario.model_copy(update={"results": [row]})
    path = tmp_path / "results.json"
    write(example_results.model_copy(update={"scenarios": [scenario]}), path)

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    json.loads(path.read_text(), parse_constant=refuse)
    assert read(path).scenarios[0].results[0].threshold == math.inf


def change(path, **keys):
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, **keys}))


@pytest.fixture
def path(tmp_path, example_results):
    written = tmp_path / "results.json"
    write(example_results, written)
    return written


def refusal(path):
    with pytest.raises(BadInput) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message


def test_a_newer_format_is_refused_even_when_its_keys_are_unknown(path):
    change(path, format="earshot-results/2", invention={})
    assert "'earshot-results/2' is newer than this release of Earshot reads" in refusal(path)


@pytest.mark.parametrize(
    "stated", ["earshot-scenario/1", "earshot-results/new", "earshot-results/0", 1, None]
)
def test_another_format_is_refused_naming_the_right_one(path, stated):
    change(path, format=stated)
    assert FORMAT in refusal(path)


def test_a_document_without_format_is_refused(path):
    path.write_text('{"scenarios": []}')
    assert FORMAT in refusal(path)
    path.write_text("[1, 2]")
    assert FORMAT in refusal(path)


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 37):
        path.write_bytes(whole[:length])
        assert "truncated or malformed at line" in refusal(path)


def test_binary_rubbish_is_refused(path):
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    assert "not text" in refusal(path)
    path.write_bytes(b"[" * 100_000)
    assert "nested too deeply" in refusal(path)


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "gone.json")


def test_a_wrong_value_is_named_by_its_key(path):
    change(path, verdict="perfect", wall_s="long")
    message = refusal(path)
    assert "wall_s" in message
    assert "1 more" in message


def test_the_published_schema_holds_for_written_results(path):
    schema = Results.model_json_schema()
    assert set(json.loads(path.read_text())) == set(schema["properties"])


def test_results_of_the_first_release_open_with_what_it_did_not_keep_left_open(tmp_path):
    first = read(Path(__file__).parent / "first_results.json")
    (scenario,) = first.scenarios
    (row,) = scenario.results
    assert (scenario.trials, scenario.planned, scenario.not_run, scenario.looks) == (2, None, 0, [])
    assert (scenario.cells, scenario.unjudged, scenario.surroundings) == ([], [], {})
    assert [(limit.metric, limit.confidence) for limit in row.accept] == [("false_alarms_per_day", 0.95)]
    assert (first.operators, first.first, first.last, first.deviations) == ([], None, None, [])
    assert first.environment.rigs[0].id == "loopback"
    write(first, tmp_path / "results.json")
    assert read(tmp_path) == first
