"""What a GRBL controller says, as in its manual, and as it comes over a bad line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rigs.grbl.protocol import (
    Alarm,
    Banner,
    Feedback,
    Noise,
    Ok,
    Refused,
    Setting,
    StartupLine,
    State,
    Status,
    buffer_bytes,
    parse,
)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"ok", Ok()),
        (b"ok\r", Ok()),
        (b"error:9", Refused(9)),
        (b"error:79", Refused(79)),
        (b"ALARM:1", Alarm(1)),
        (b"ALARM:17", Alarm(17)),
        (b"$13=0", Setting("13", "0")),
        (b"$130=200.000", Setting("130", "200.000")),
        (b"$0=10 (step pulse, usec)", Setting("0", "10")),
        (b"$N0=G54", Setting("N0", "G54")),
        (b"[MSG:'$H'|'$X' to unlock]", Feedback("MSG", "'$H'|'$X' to unlock")),
        (b"[OPT:V,15,128]", Feedback("OPT", "V,15,128")),
        (b"[echo:G1X0.540Y10.4F100]", Feedback("echo", "G1X0.540Y10.4F100")),
        (b"[Caution: Unlocked]", Feedback("Caution", " Unlocked")),
        (b">G54G20:ok", StartupLine("G54G20", True)),
        (b">G54G20:error:20", StartupLine("G54G20", False)),
        (b">:error:7", StartupLine("", False)),
        (b"Grbl 1.1h ['$' for help]", Banner("Grbl 1.1h ['$' for help]")),
        (b"GrblHAL 1.1f ['$' or '$HELP' for help]", Banner("GrblHAL 1.1f ['$' or '$HELP' for help]")),
        (
            b"Grbl 3.4 [FluidNC v3.4.3 (wifi) '$' for help]",
            Banner("Grbl 3.4 [FluidNC v3.4.3 (wifi) '$' for help]"),
        ),
        (b"", Noise("")),
        (b"okok", Noise("okok")),
        (b"o", Noise("o")),
        (b"error:", Noise("error:")),
        (b"<Idle|MPos:0.000,0.000,0.0", Noise("<Idle|MPos:0.000,0.000,0.0")),
        (b"ets Jun  8 2016 00:22:57", Noise("ets Jun  8 2016 00:22:57")),
    ],
)
def test_each_line_of_the_manual_has_its_meaning(line, meaning):
    assert parse(line) == meaning


@pytest.mark.parametrize(
    ("line", "state", "sub"),
    [
        (b"<Idle|MPos:0.000,0.000,0.000|FS:0,0>", State.IDLE, None),
        (b"<Run|MPos:0.000,0.000,0.000|FS:500,0>", State.RUN, None),
        (b"<Hold:0|MPos:0.000,0.000,0.000|FS:0,0>", State.HOLD, 0),
        (b"<Hold:1|MPos:0.000,0.000,0.000|FS:100,0>", State.HOLD, 1),
        (b"<Door:3|MPos:0.000,0.000,0.000|FS:0,0>", State.DOOR, 3),
        (b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0>", State.ALARM, None),
        (b"<Tool|MPos:0.000,0.000,0.000|FS:0,0>", State.UNKNOWN, None),
        (b"<Run:2|MPos:0.000,0.000,0.000,5.000|Bf:100,1023|FS:0,0|MPG:0|H:1,7>", State.RUN, 2),
    ],
)
def test_states_are_read_and_strange_ones_kept(line, state, sub):
    status = parse(line)
    assert isinstance(status, Status)
    assert (status.state, status.sub) == (state, sub)
    assert status.word == line[1:].split(b"|")[0].decode()


def test_a_report_carries_what_it_has_in_any_order():
    status = parse(
        b"<Hold:0|WPos:-2.500,0.000,11.000|Pn:XZ|FS:250.5,8000|WCO:1.000,-2.000,3.5|Ov:100,100,100|New:7>"
    )
    assert status.machine is None
    assert status.work == (-2.5, 0.0, 11.0)
    assert status.offset == (1.0, -2.0, 3.5)
    assert (status.feed, status.pins) == (250.5, "XZ")
    assert status.fields["New"] == "7"
    assert parse(b"<Idle|F:30|MPos:1,2,3>").feed == 30.0


@pytest.mark.parametrize(
    "line",
    [
        b"<Idle|MPos:1.0,2.0<Idle|MPos:1.0,2.0,3.0|FS:0,0>",  # two run into one
        b"<Idle|MPos:1,2,3>\x00<Run|MPos:1,2,3>",
        b"<|MPos:1,2,3>",
        b"<1dle|MPos:1,2,3>",
    ],
)
def test_a_report_that_cannot_be_trusted_is_noise(line):
    assert isinstance(parse(line), Noise)


@pytest.mark.parametrize("numbers", [b"1.0,2.0,", b"1.0,,2.0", b"1.0.0,2", b"1e5,2", b"nan,1", b"--1,2", b""])
def test_a_garbled_position_is_no_position(numbers):
    status = parse(b"<Idle|MPos:" + numbers + b"|FS:0,0>")
    assert status.state is State.IDLE
    assert status.machine is None


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"[OPT:V,15,128]", 128),
        (b"[OPT:VNMSL,100,1024,4,0]", 1024),
        (b"[OPT:VL]", None),
        (b"[OPT:V,15,]", None),
        (b"[OPT:V,15,x]", None),
        (b"[VER:1.1h.20190830:15,128,1]", None),
    ],
)
def test_the_buffer_size_is_read_from_the_options(line, size):
    assert buffer_bytes(parse(line)) == size


FRAGMENTS = (
    b"ok",
    b"error:",
    b"ALARM:",
    b"<Idle|",
    b"MPos:",
    b"1.000,",
    b">",
    b"[OPT:",
    b"]",
    b"$1",
    b"=",
    b"\xff",
    b"Grbl 1",
)


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join)))
@example(b"<" + b"9" * 5000 + b">")
@example(b"$N" + b"1" * 5000 + b"=")
@example("error:٣".encode())
def test_no_line_whatever_breaks_the_parser(line):
    message = parse(line)
    if isinstance(message, Feedback):
        buffer_bytes(message)


@given(
    word=st.sampled_from(("Idle", "Run", "Jog", "Home", "Check", "Sleep", "Tool")),
    sub=st.none() | st.integers(0, 9),
    position=st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=6),
    extra=st.permutations(("FS:10,0", "Ov:100,100,100", "Bf:15,128", "Pn:P", "A:SF")),
)
def test_every_report_that_keeps_the_form_is_read_whole(word, sub, position, extra):
    numbers = ",".join(f"{um / 1000:.3f}" for um in position)
    state = word if sub is None else f"{word}:{sub}"
    status = parse(f"<{state}|MPos:{numbers}|{'|'.join(extra)}>".encode())
    assert status.word == state
    assert status.machine == tuple(um / 1000 for um in position)
    assert (status.feed, status.pins) == (10.0, "P")
