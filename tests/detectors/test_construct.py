"""What the author of a detector is told when it cannot be made."""

import itertools

import pytest

from detectors.build import load_build
from detectors.errors import DetectorError, DetectorFault
from detectors.stack import Stack

BUILD = """
format = "earshot-build/1"
id = "mine"
[[detector]]
name = "jump"
factory = "{module}:{factory}"
streams = ["audible"]
threshold = 15.0
refractory_s = 2.0
settings = {settings}
"""
DETECTOR = """
class Jump:
    def __init__(self, name, floor, *, hop_s=0.1):
        pass

def from_spec(spec):
    return Jump(spec.name, **spec.settings)

def confused(spec):
    return helper(spec)

def helper(spec):
    return Jump()

def careless(spec):
    return len(7)
"""
numbers = itertools.count()


@pytest.fixture
def made(tmp_path, monkeypatch):
    """`made(settings, factory, code)`: a stack of the detector that the code makes, in a module of its own."""
    monkeypatch.syspath_prepend(tmp_path)

    def _made(settings="{}", factory="from_spec", code=DETECTOR):
        module = f"jump_{next(numbers)}"
        (tmp_path / f"{module}.py").write_text(code)
        path = tmp_path / "mine.toml"
        path.write_text(BUILD.format(module=module, factory=factory, settings=settings))
        return Stack(load_build(path))

    return _made


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{flor = 1e-10}", "jump: unknown settings.flor; allowed: floor, hop_s"),
        ('{floor = 1.0, name = "other"}', "jump: unknown settings.name; allowed: floor, hop_s"),
        ("{hop_s = 0.2}", "jump: settings.floor is missing"),
    ],
)
def test_settings_that_a_class_does_not_take_are_refused_naming_build_key_and_what_it_takes(
    made, tmp_path, settings, said
):
    with pytest.raises(DetectorError) as refused:
        made(settings)
    assert str(refused.value) == f"{tmp_path / 'mine.toml'}: {said}"


def test_settings_are_listed_for_a_class_of_another_module(made, tmp_path):
    (tmp_path / "other_jump.py").write_text(DETECTOR)
    code = "import other_jump\ndef from_spec(spec):\n    return other_jump.Jump(spec.name, **spec.settings)\n"
    with pytest.raises(DetectorError, match=r"unknown settings.flor; allowed: floor, hop_s"):
        made("{flor = 1.0}", code=code)


def test_a_factory_that_does_not_take_the_table_is_refused_in_one_line(made):
    with pytest.raises(
        DetectorError, match=r"mine.toml: factory 'jump_\d+:Jump' cannot be called"
    ) as refused:
        made(factory="Jump")
    assert "\n" not in str(refused.value)


def test_a_syntax_error_is_placed_by_file_and_line(made, tmp_path):
    with pytest.raises(DetectorError, match=r"mine.toml: factory .* cannot be loaded: .*jump_\d+.py:2: "):
        made(code="import numpy\ndef from_spec(spec:\n")


@pytest.mark.parametrize(
    ("factory", "code", "line"),
    [
        ("confused", DETECTOR, "return Jump()"),
        ("careless", DETECTOR, "return len(7)"),
        ("from_spec", "1 / 0\n", "1 / 0"),
    ],
)
def test_a_fault_of_its_code_is_no_matter_of_settings_and_keeps_its_trace(made, factory, code, line):
    with pytest.raises(DetectorFault, match=r"mine.toml: detector 'jump': \w+Error: ") as raised:
        made(factory=factory, code=code)
    assert line in raised.value.trace


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "def from_spec(spec):\n    return None\n",
            "a NoneType without labels, needs, open, feed, tracks is no detector",
        ),
        (
            "class Deaf:\n    needs = open = feed = tracks = None\n    labels = ()\ndef from_spec(spec):\n    return Deaf()\n",
            "labels = (): a tuple of at least one label",
        ),
        ("import sys\nsys.exit(7)\n", "SystemExit: 7"),
        ("import sys\ndef from_spec(spec):\n    sys.exit(0)\n", "SystemExit: 0"),
    ],
)
def test_what_is_no_detector_is_a_fault_that_names_it(made, code, said):
    with pytest.raises(DetectorFault, match=r"mine\.toml: detector 'jump': ") as raised:
        made(code=code)
    assert said in str(raised.value)


def test_a_module_that_is_nowhere_says_where_python_looks(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(BUILD.format(module="nowhere_at_all", factory="from_spec", settings="{}"))
    with pytest.raises(DetectorError, match="No module named 'nowhere_at_all'; .*PYTHONPATH"):
        Stack(load_build(path))
