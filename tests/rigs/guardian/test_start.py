"""What is guarded, and what stops a guardian from starting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rigs.errors import BadRigFile, LinkBusy, LinkLost
from rigs.guardian import Guarded, Guardian
from rigs.links import LinkSpec, open_link
from tests.rigs.guardian.lab import SAFE


def test_a_port_in_use_or_absent_stops_the_start(stage, relays):
    with open_link(LinkSpec(relays.url)), pytest.raises(LinkBusy, match=r"relays: in use by process"):
        Guardian.start([Guarded("stage", stage.url, safe=SAFE), Guarded("relays", relays.url, safe=SAFE)])
    with pytest.raises(LinkLost, match="/dev/none: cannot be opened"):
        Guardian.start([Guarded("stage", stage.url, safe=SAFE), Guarded("relays", "/dev/none", safe=SAFE)])
    with open_link(LinkSpec(stage.url)):
        pass  # given back
    assert not stage.received


def test_safe_bytes_that_take_too_long_are_refused():
    with pytest.raises(
        BadRigFile, match=r"relays: making it safe takes 1\.\d+ s; at most 0\.40 s are allowed"
    ):
        Guardian.start([Guarded("relays", "/dev/none", 9600, safe=(b"\xa0\x01\x00\xa1",) * 64)])


def test_what_is_guarded_crosses_to_the_other_process():
    link = LinkSpec("/dev/ttyUSB0", 9600, terminator=b"\r\xff", usb_path="1-1.4", parity="E", dtr=False)
    guarded = Guarded(
        "relays",
        safe=(b"\x00\xff", b"!"),
        link=link,
        log=Path("/tmp/x.log"),
        gap_s=0.01,
        stop_on=(b"\xe5",),
        stop_when_lost=True,
    )
    assert Guarded.from_json(json.loads(json.dumps(guarded.to_json()))) == guarded
