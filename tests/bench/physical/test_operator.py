import io

import pytest
from rich.console import Console

from lab.bench.physical.operator import AtTerminal, Nobody, Order, Said
from rigs.errors import OperatorAbsent

PATIENT_S = 60.0


@pytest.fixture
def person(typing):
    """(operator, hand that types, what was shown)."""
    stream, hand = typing
    shown = io.StringIO()
    return AtTerminal(PATIENT_S, Console(file=shown, width=200), stream), hand, shown


def test_a_question_is_shown_and_answered_by_one_line(person):
    operator, hand, shown = person
    hand.write("  done \nlater\n")
    assert operator.ask("place the tv at 3.00 m, mark C") == "done"
    assert "place the tv at 3.00 m, mark C" in shown.getvalue()


def test_a_question_that_nobody_answers_ends_with_operator_absent(typing):
    stream, _ = typing
    operator = AtTerminal(0.01, Console(file=io.StringIO()), stream)
    with pytest.raises(OperatorAbsent, match=r"no answer in 0.01 s to: place the tv"):
        operator.ask("place the tv")


def test_a_closed_terminal_is_an_absent_operator_at_once(person):
    operator, hand, _ = person
    hand.close()
    with pytest.raises(OperatorAbsent):
        operator.ask("anybody?")


@pytest.mark.parametrize("typed", ["no", "n", "yes", "go", "wait!", "q", "s too hot", "r cable was loose"])
def test_only_enter_is_a_yes(person, answers, typed):
    operator, hand, shown = person
    hand.write(f"{typed}\n")
    with pytest.raises(OperatorAbsent, match="refused at the bench: the stage moves"):
        operator.confirm("the stage moves")
    assert "Enter = go, anything else = no" in shown.getvalue()
    operator.order()
    answers(hand, shown, "")
    operator.confirm("the stage moves")


def test_an_enter_pressed_before_the_question_is_no_answer(typing):
    stream, hand = typing
    operator = AtTerminal(0.1, Console(file=io.StringIO()), stream)
    hand.write("\n\n")
    with pytest.raises(OperatorAbsent, match="no answer in 0.1 s to: the stage moves"):
        operator.confirm("the stage moves")
    hand.write("\ns too hot\n")
    with pytest.raises(OperatorAbsent, match="refused at the bench"):
        operator.confirm("the stage moves")
    assert operator.order() == Said(Order.SKIP, "too hot")


def test_an_order_in_place_of_an_answer_is_obeyed_after_the_trial(person):
    operator, hand, _ = person
    hand.write("q\n")
    with pytest.raises(OperatorAbsent, match="refused at the bench"):
        operator.confirm("place the tv")
    assert operator.order().order is Order.STOP


def test_a_pause_at_a_question_asks_again(person, answers):
    operator, hand, shown = person
    answers(hand, shown, "p\n", "")
    operator.confirm("place the tv")
    assert shown.getvalue().count("place the tv") == 2
    answers(hand, shown, "p\n", "no")
    with pytest.raises(OperatorAbsent, match="refused at the bench: place the tv"):
        operator.confirm("place the tv")
    hand.write("p\n")
    hand.close()
    with pytest.raises(OperatorAbsent, match="paused, and the terminal is gone"):
        operator.confirm("place the tv")


def test_nobody_hears_everything_and_answers_nothing():
    told = []
    nobody = Nobody(told.append)
    nobody.tell("the stage moves")
    assert told == ["the stage moves"]
    assert nobody.order().order is Order.GO_ON
    with pytest.raises(OperatorAbsent, match="nobody to ask: place it"):
        nobody.ask("place it")
    with pytest.raises(OperatorAbsent, match="nobody to ask: place it"):
        nobody.confirm("place it")


def test_without_an_order_the_run_goes_on(person):
    operator, _, _ = person
    assert operator.order().order is Order.GO_ON


@pytest.mark.parametrize(
    ("typed", "order", "reason"),
    [
        ("s a door slammed\n", Order.SKIP, "a door slammed"),
        ("r cable was loose\n", Order.REPEAT, "cable was loose"),
        ("q\n", Order.STOP, ""),
        ("p\n\n", Order.GO_ON, ""),
        ("p\nq\n", Order.STOP, ""),
        ("P\nS too hot\n", Order.SKIP, "too hot"),
    ],
)
def test_orders_as_they_are_typed(person, typed, order, reason):
    operator, hand, _ = person
    hand.write(typed)
    said = operator.order()
    assert (said.order, said.reason) == (order, reason)


def test_repeat_and_skip_want_a_reason_and_nonsense_is_answered_with_the_list(person):
    operator, hand, shown = person
    hand.write("r\nhello\n")
    assert operator.order().order is Order.GO_ON
    assert "say why" in shown.getvalue()
    assert "'hello' is no order. Enter go on" in shown.getvalue()


def test_a_pause_ends_with_the_terminal(person):
    operator, hand, _ = person
    hand.write("p\n")
    hand.close()
    with pytest.raises(OperatorAbsent, match="paused, and the terminal is gone"):
        operator.order()


def test_hostile_words_are_shown_as_text(person):
    operator, _, shown = person
    operator.tell("[bold]not markup[/bold]")
    assert "[bold]not markup[/bold]" in shown.getvalue()
