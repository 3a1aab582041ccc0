"""SCPI instruments: queries and their replies as bytes, what a bad command does, and how to get back into step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.emulators.scpi import ScpiEmulator
from rigs.errors import BadReply, InstrumentAlarm, LinkLost, NoReply, Unsafe
from rigs.links import LinkState
from rigs.profile import load_profile
from rigs.scpi import ScpiIdentity, ScpiInstrument
from rigs.scpi_profile import Command, Query, ScpiProfile
from rigs.scpi_replies import ERROR, block_end, parse_block, parse_number, parse_text
from tests.rigs.wires import conversation, emulated, wait_until

NO_ERROR = b'0,"No error"\n'
FENCE = (b"SYST:ERR?\n", NO_ERROR)
PLAIN = ScpiProfile(
    queries={
        "level": Query(send="MEAS:SPL?", unit="dB", low=0.0, high=150.0),
        "note": Query(send="SYST:NOTE?", reply="text"),
        "trace": Query(send="TRAC?", reply="block"),
    },
    commands={
        "voltage": Command(send="VOLT {value}", unit="V", low=0.0, high=5.5),
        "shape": Command(send="FUNC {value}", choices=("SIN", "SQU")),
        "trigger": Command(send="*TRG"),
    },
)


def test_a_query_is_one_line_and_one_line_back():
    with conversation(FENCE, (b"MEAS:SPL?\n", b"+6.53E+01\r\n"), (b"MEAS:SPL?\n", b"65.4\n")) as link:
        meter = ScpiInstrument(link, PLAIN)
        assert meter.read("level") == 65.3
        assert meter.read("level") == 65.4  # the fence is passed once, not before every query


def test_a_command_is_followed_by_a_look_at_the_error_queue():
    sent = (
        (b"VOLT 3.300\n", b""),
        (b"SYST:ERR?\n", NO_ERROR),
        (b"FUNC SIN\n", b""),
        (b"SYST:ERR?\n", NO_ERROR),
    )
    with conversation(*sent) as link:
        supply = ScpiInstrument(link, PLAIN)
        supply.set("voltage", 3.3)
        supply.set("shape", "SIN")


def test_a_refused_command_is_raised_with_all_that_the_queue_says():
    queue = (
        (b"SYST:ERR?\n", b'-113,"Undefined header; say ""VOLT"""\n'),
        (b"SYST:ERR?\n", b'-222,"Data out of range"\n'),
    )
    with conversation((b"VOLT 1.000\n", b""), *queue, FENCE) as link:
        words = r'ply: refused VOLT 1.000: -113,"Undefined header; say ""VOLT"""; -222,"Data out of range"'
        with pytest.raises(InstrumentAlarm, match=words):
            ScpiInstrument(link, PLAIN, name="supply").set("voltage", 1)


def test_terminators_are_those_of_the_profile():
    profile = ScpiProfile(
        terminator="\0", reply_terminator="\r\n", error_query="", check=False, timeout_s=0.05
    )
    with conversation((b"TEMP?\0", b"21.5\r\n")) as link:
        assert ScpiInstrument(link, profile).ask("TEMP?") == "21.5"


def test_lines_that_must_go_first_go_first():
    profile = ScpiProfile(
        error_query="",
        check=False,
        timeout_s=0.05,
        opening=("INIT START",),
        queries={
            "level": Query(before=("MEAS:INIT",), send="MEAS:SLM:123? LAF", pattern="^([0-9.]+) ?dB, ?OK$")
        },
    )
    with conversation(
        (b"INIT START\n", b""), (b"MEAS:INIT\n", b""), (b"MEAS:SLM:123? LAF\n", b"53.8 dB, OK\r\n")
    ) as link:
        meter = ScpiInstrument(link, profile)
        assert meter.read("level") == 53.8


def test_a_block_may_hold_line_feeds():
    with conversation(FENCE, (b"TRAC?\n", b"#15he\nlo\n"), (b"TRAC?\n", b"#203a\nb\r\n")) as link:
        scope = ScpiInstrument(link, PLAIN)
        assert scope.read("trace") == b"he\nlo"
        assert scope.read("trace") == b"a\nb"


def test_text_loses_its_quotes():
    with conversation(FENCE, (b"SYST:NOTE?\n", b'"a ""b"" c"\n')) as link:
        assert ScpiInstrument(link, PLAIN).read("note") == 'a "b" c'


def test_a_late_reply_is_dropped_at_the_fence():
    """The first query runs into its timeout; its answer comes in right before that of the error queue."""
    pairs = (
        FENCE,
        (b"MEAS:SPL?\n", b""),
        (b"SYST:ERR?\n", b"35.2\n" + NO_ERROR),
        (b"MEAS:SPL?\n", b"36.1\n"),
    )
    with conversation(*pairs) as link:
        meter = ScpiInstrument(link, PLAIN)
        link.silent = (b"MEAS:SPL?\n",)
        with pytest.raises(NoReply, match=r"MEAS:SPL\?: no reply for .*, and its error queue is empty"):
            meter.read("level")
        link.silent = ()
        assert meter.read("level") == 36.1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"hello\n", '"hello" is no number'),
        (b"\xff\xfe\n", "garbage: ff fe: check the speed"),
        (b"151.0\n", "151 dB cannot be: the profile says 0 to 150"),
        (b"1e999\n", "too large"),
    ],
)
def test_an_answer_that_is_no_such_value_is_refused(answer, words):
    with conversation(FENCE, (b"MEAS:SPL?\n", answer)) as link, pytest.raises(BadReply, match=words):
        ScpiInstrument(link, PLAIN).read("level")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"65.1\n", "must begin with #"),
        (b"#0abc\n", "definite"),
        (b"#1x\n", "no number"),
        (b"#12abc\n", "followed by"),
    ],
)
def test_a_block_that_is_none_is_refused_at_once(answer, words):
    with conversation(FENCE, (b"TRAC?\n", answer)) as link, pytest.raises(BadReply, match=words):
        ScpiInstrument(link, PLAIN).read("trace")


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [
        ("voltage", 5.6, "a number from 0 to 5.5 V"),
        ("voltage", "5", "a number from"),
        ("voltage", True, "a number from"),
        ("voltage", math.nan, "a number from"),
        ("voltage", None, "it takes a value"),
        ("shape", "RAMP", "one of SIN, SQU"),
        ("trigger", 1, "it takes no value"),
        ("power", 1, 'refused to set "power": its profile has voltage, shape, trigger'),
    ],
)
def test_what_the_profile_does_not_allow_is_refused_before_anything_is_sent(what, value, words):
    with conversation() as link, pytest.raises(Unsafe, match=words):
        ScpiInstrument(link, PLAIN).set(what, value)


@pytest.mark.parametrize("line", ["VOLT 1\nOUTP ON", "VOLT 1\0", "Ω", "\x18"])
def test_one_line_cannot_smuggle_in_another(line):
    with conversation() as link, pytest.raises(Unsafe, match="one line of printable ASCII"):
        ScpiInstrument(link, PLAIN).tell(line)


def test_another_model_than_the_profile_is_for_is_refused():
    profile = ScpiProfile(identity="^NTiAudio,XL2", example_identity="NTiAudio,XL2,0,0")
    words = 'says it is "ACME,PSU,7,1.2", where the profile wants'
    with conversation(FENCE, (b"*IDN?\n", b"ACME,PSU,7,1.2\n")) as link, pytest.raises(BadReply, match=words):
        ScpiInstrument(link, profile)


def test_a_bad_query_gets_no_reply_and_is_explained_by_the_queue():
    with emulated("scpi", "spl_meter") as bench:
        assert bench.device.identity() == ScpiIdentity("EARSHOT", "SPL METER", "0", "1.0")
        bench.link.silent = (b"MEAS:BOGUS?\n",)
        with pytest.raises(InstrumentAlarm, match=r'refused MEAS:BOGUS\?: -113,"Undefined header"'):
            bench.device.ask("MEAS:BOGUS?")
        assert bench.device.read("level") == 35.2


def test_a_dead_instrument_is_told_from_a_bad_command():
    with emulated("scpi", "spl_meter") as bench:
        bench.server.set_faults(silence=True)
        bench.link.silent = None
        with pytest.raises(NoReply, match=r"no reply for .*, nor to SYST:ERR\?: check power, cable"):
            bench.device.read("level")


@pytest.mark.parametrize("faults", [{"split": 1}, {"late_s": 0.1}])
def test_replies_in_pieces_or_late_are_still_replies(faults):
    with emulated("scpi", "spl_meter") as bench:
        bench.server.set_faults(**faults)
        assert bench.device.read("level") == 35.2
        assert bench.device.read("spectrum") == b"hello"
        bench.device.set("weighting", "A")


@pytest.mark.parametrize(
    ("fault", "healthy"),
    [({"checksum": True}, {"checksum": False}), ({"interleave": b"\xf0"}, {"interleave": b""})],
)
def test_a_damaged_reply_is_refused_and_the_next_one_taken(fault, healthy):
    with emulated("scpi", "spl_meter") as bench:
        bench.server.set_faults(**fault)
        with pytest.raises(BadReply, match="garbage"):
            bench.device.read("level")
        bench.server.set_faults(**healthy)
        assert bench.device.read("level") == 35.2


def test_what_came_unasked_is_dropped_with_the_next_look_at_the_queue():
    with emulated("scpi", "spl_meter") as bench:
        bench.server.say(b"\xf0\n99.9\n")
        assert bench.device.errors() == ()
        assert bench.device.read("level") == 35.2


def test_after_a_reboot_the_settings_are_gone_and_the_line_is_in_step():
    with emulated("scpi", "scpi_supply") as bench:
        bench.device.set("output", "ON")
        bench.server.reboot()
        assert bench.device.read("voltage") == 5.0
        bench.link.silent = (b"OUTP?\n",)
        with pytest.raises(InstrumentAlarm, match="Undefined header"):
            bench.device.ask("OUTP?")


def test_after_an_unplug_the_instrument_is_asked_who_it_is():
    with emulated("scpi", "spl_meter") as bench:
        bench.server.unplug()
        wait_until(lambda: bench.link.state is LinkState.LOST)
        with pytest.raises(LinkLost):
            bench.device.read("level")
        bench.server.plug()
        wait_until(lambda: bench.link.state is LinkState.OPEN)
        bench.emulator.heard.clear()
        assert bench.device.read("level") == 35.2
        assert bench.emulator.heard == ["SYST:ERR?", "*IDN?", "MEAS:SPL?"]


def test_the_safe_bytes_switch_the_supply_off():
    with emulated("scpi", "scpi_supply") as bench:
        bench.device.set("output", "ON")
        assert bench.device.safe_bytes() == (b"OUTP OFF\n",)
        for safe in bench.device.safe_bytes():
            bench.link.write(safe)
        assert bench.device.ask("OUTP?") == "OFF"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("*OPC?", "1\n"),
        ("meas:spl?", "35.2\n"),
        (":MEAS:SPL?;*OPC?", "35.2;1\n"),
        ("MEASURE:SPL?", ""),  # this profile names the short form only
        ("SENS:WEIG A;:SENS:WEIG?", "A\n"),
        ("SENS:WEIG;*OPC?", ""),  # the rest of a line in error is not executed
        ("*ESR?", "0\n"),
        ("*BOGUS", ""),
    ],
)
def test_the_emulated_instrument_answers_as_the_standard_says(line, answer):
    meter = ScpiEmulator(load_profile("spl_meter", "scpi"))
    assert meter.feed(f"{line}\n".encode()) == answer.encode()
    error = 0 if answer else 32
    assert meter.feed(b"*ESR?;*ESR?\n") == f"{error};0\n".encode()


def test_the_emulated_instrument_knows_long_and_short_forms():
    meter = ScpiEmulator(ScpiProfile(queries={"level": Query(send="MEASure:SPL?", example="1")}))
    for said in ("MEAS:SPL?", "measure:spl?", ":Meas:Spl?"):
        assert meter.feed(f"{said}\n".encode()) == b"1\n"
    assert meter.feed(b"MEASU:SPL?\n") == b""


def test_the_emulated_error_queue_overflows_and_drains():
    meter = ScpiEmulator(load_profile("spl_meter", "scpi"))
    meter.feed(b"BOGUS\n" * 30)
    queue = [meter.feed(b"SYST:ERR?\n") for _ in range(21)]
    assert queue[0] == b'-113,"Undefined header"\n'
    assert queue[19:] == [b'-350,"Queue overflow"\n', NO_ERROR]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("+.5", 0.5),
        ("-1.", -1.0),
        ("6.53E+01", 65.3),
        ("9.9E37", math.inf),
        ("-9.90000E+37", -math.inf),
    ],
)
def test_numbers_of_the_standard(text, value):
    assert parse_number(text) == value


def test_what_cannot_be_measured_is_nan():
    assert math.isnan(parse_number("9.91E37")) and math.isnan(parse_number("+9.910000E+37"))


@given(st.text())
def test_what_is_no_number_is_a_value_error(text):
    try:
        parse_number(text)
    except ValueError:
        return
    float(text)


@given(st.floats(allow_nan=False, allow_infinity=False, max_value=1e37, min_value=-1e37))
def test_every_number_is_read_as_it_is_written(value):
    assert parse_number(repr(value)) == value


@given(st.text(st.characters(codec="ascii")))
def test_text_comes_back_as_it_was_quoted(text):
    assert parse_text('"' + text.replace('"', '""') + '"') == text


@given(st.binary(max_size=120), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_a_block_is_whole_only_with_its_last_byte(content, end, padded):
    length = str(len(content)).encode().rjust(4 if padded else 1, b"0")
    reply = b"#" + str(len(length)).encode() + length + content + end
    for cut in range(len(reply)):
        if end == b"\n" or cut < len(reply) - 1:
            assert block_end(reply[:cut], end) is None
    assert block_end(reply, end) is not None
    assert parse_block(reply) == content


@given(st.binary(max_size=60))
def test_what_is_no_block_is_a_value_error(received):
    for parse in (lambda: block_end(received, b"\n"), lambda: parse_block(received)):
        try:
            parse()
        except ValueError:
            pass


@given(st.binary(max_size=60).filter(lambda noise: b'"' not in noise), st.integers(-999, 999))
def test_an_entry_of_the_queue_is_found_behind_what_came_late(noise, code):
    found = ERROR.search(noise + b"\n" + f'{code},"Some ""text"""\r\n'.encode())
    assert found is not None and int(found[1].split(b",")[0]) == code


@given(
    st.lists(
        st.one_of(st.binary(max_size=30), st.text(max_size=30).map(str.encode), st.just(b"\n"), st.just(b";"))
    )
)
def test_the_emulated_instrument_never_fails(chunks):
    meter = ScpiEmulator(load_profile("scpi_supply", "scpi"))
    for chunk in chunks:
        meter.feed(chunk)
    assert meter.feed(b"\n*CLS\nSYST:ERR?\n").endswith(NO_ERROR)
