"""Character counting: never more on the way than the receive buffer holds, settings alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.grbl.protocol import Ok, Refused
from rigs.grbl.window import Window, must_go_alone


def test_lines_are_sent_while_they_fit_with_their_ends():
    window = Window(128)
    for _ in range(3):
        assert window.fits("X" * 31)
        window.add("X" * 31)
    assert window.used == 96
    assert not window.fits("X" * 31)
    window.answered(Ok())
    assert window.fits("X" * 31)


def test_the_last_byte_of_the_buffer_stays_free():
    window = Window(128)
    window.add("X" * 120)
    assert window.fits("12345")
    assert not window.fits("123456")


def test_answers_belong_to_lines_in_their_order():
    window = Window()
    first, second = window.add("G1X1"), window.add("G1X2")
    assert window.answered(Ok()) is first
    assert window.answered(Refused(20)) is second
    assert (first.answer, second.answer) == (Ok(), Refused(20))
    assert window.answered(Ok()) is None


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        ("$110=500", True),
        ("$ 110 = 500", True),
        ("$N0=G54", True),
        ("$I=rail", True),
        ("$RST=*", True),
        ("G10 L2 P1 X0", True),
        ("G28.1", True),
        ("G55", True),
        ("$I", False),
        ("$$", False),
        ("$H", False),
        ("$J=G91X5F300", False),
        ("G53G1X5F300", False),
    ],
)
def test_what_is_stored_goes_alone(line, alone):
    assert must_go_alone(line) is alone


def test_nothing_goes_with_or_after_a_setting():
    window = Window()
    window.add("G4P1")
    assert not window.fits("$110=500")
    window.answered(Ok())
    window.add("$110=500")
    assert not window.fits("G4P1")


@given(
    capacity=st.sampled_from((64, 128, 256, 1024)),
    lines=st.lists(st.text("GXYF0123456789.", min_size=1, max_size=70), max_size=60),
    answers=st.lists(st.booleans(), max_size=200),
)
def test_the_buffer_never_overflows_and_no_answer_goes_astray(capacity, lines, answers):
    window, waiting, sent, answered = Window(capacity), list(lines), [], []
    for answer in (*answers, *([True] * 200)):
        while waiting and window.fits(waiting[0]):
            sent.append(window.add(waiting.pop(0)))
        assert window.used <= max(capacity - 1, 71)
        if answer and len(window):
            answered.append(window.answered(Ok()))
    assert answered == sent
    assert [ticket.line for ticket in sent] == lines
