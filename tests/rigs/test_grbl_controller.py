"""The conversation with a controller, whatever it says."""

from enum import Enum

from hypothesis import given
from hypothesis import strategies as st

from rigs.grbl.controller import Controller


class LinkState(Enum):
    OPEN = "open"


class Wire:
    """Takes everything, and lets a test speak as the reader thread would."""

    state = LinkState.OPEN

    def __init__(self):
        self.sent = bytearray()

    def write(self, data):
        self.sent += data

    def subscribe(self, callback):
        self.say = callback

    def subscribe_state(self, callback):
        pass


LINES = (
    b"ok",
    b"error:9",
    b"ALARM:1",
    b"ALARM:99",
    b"Grbl 1.1h ['$' for help]",
    b"<Idle|MPos:1.000,2.000,3.000|WCO:0.000,0.000,1.000>",
    b"<Run|WPos:1.000,2.000,3.000|FS:1,2>",
    b"<Hold:1|FS:,>",
    b"<Idle|WPos:1.000|WCO:0.000,0.000>",
    b"$13=1",
    b"$13=x",
    b"[OPT:V,15,0]",
)


@given(st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=100)), max_size=40), st.integers(0, 5))
def test_nothing_a_controller_says_breaks_what_is_known_of_it(lines, open_lines):
    wire = Wire()
    controller = Controller(wire, "rail")
    tickets = [controller.send("G4P0", 1.0) for _ in range(open_lines)]
    for line in lines:
        wire.say(line, 0)
        assert controller.describe().startswith("stage rail (")
        position = controller.machine_mm
        assert position is None or all(isinstance(value, float) for value in position)
    assert controller.unanswered == sum(not ticket.closed for ticket in tickets)


def test_positions_of_work_reports_wait_for_the_offset():
    wire = Wire()
    controller = Controller(wire, "rail")
    wire.say(b"<Idle|WPos:1.000,2.000,3.000|FS:0,0>", 0)
    assert controller.machine_mm is None
    wire.say(b"<Idle|WPos:1.000,2.000,3.000|FS:0,0|WCO:10.000,0.000,-1.000>", 0)
    assert controller.machine_mm == (11.0, 2.0, 2.0)
    wire.say(b"<Run|WPos:2.000,2.000,3.000|FS:0,0>", 0)
    assert controller.machine_mm == (12.0, 2.0, 2.0)
    wire.say(b"<Run|WPos:2.0x0,2.000,3.000|FS:0,0>", 0)
    assert controller.machine_mm == (12.0, 2.0, 2.0)
    wire.say(b"Grbl 1.1h ['$' for help]", 0)
    assert controller.machine_mm is None


def test_a_startup_line_is_no_answer():
    wire = Wire()
    controller = Controller(wire, "rail")
    ticket = controller.send("G4P0", 1.0)
    wire.say(b">G54:ok", 0)
    assert not ticket.closed
    wire.say(b"ok", 0)
    assert ticket.closed
