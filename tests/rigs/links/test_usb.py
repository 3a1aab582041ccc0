"""Adapters are found by the socket they sit in, in a tree laid out like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigs.errors import BadRigFile, LinkLost
from rigs.links import LinkSpec, open_link, usb


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    """Two identical relay boards, a controller with a CDC-ACM port, and an adapter with two ports."""
    devices = tmp_path / "bus/usb/devices"
    for path, vendor, product, ttys in [
        ("1-1.1", "1a86", "7523", {"1.0": "ttyUSB0"}),
        ("1-1.4", "1a86", "7523", {"1.0": "ttyUSB1"}),
        ("1-2", "2341", "0043", {"1.0": "tty/ttyACM0", "1.1": None}),
        ("2-3.1.2", "0403", "6010", {"1.0": "ttyUSB2", "1.1": "ttyUSB3"}),
        ("1-3", "046d", "c31c", {"1.0": None}),
    ]:
        (devices / path).mkdir(parents=True)
        (devices / path / "idVendor").write_text(vendor + "\n")
        (devices / path / "idProduct").write_text(product + "\n")
        for interface, tty in ttys.items():
            folder = devices / f"{path}:{interface}"
            (folder / tty if tty else folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("usb_path", "device"),
    [
        ("1-1.1", "/dev/ttyUSB0"),
        ("1-1.4", "/dev/ttyUSB1"),
        ("1-1.4:1.0", "/dev/ttyUSB1"),
        ("1-2", "/dev/ttyACM0"),
        ("2-3.1.2:1.1", "/dev/ttyUSB3"),
    ],
)
def test_socket_leads_to_device(sys: Path, usb_path: str, device: str):
    assert usb.resolve(usb_path, sys) == device


def test_an_empty_socket_names_what_is_plugged_in_elsewhere(sys: Path):
    with pytest.raises(
        LinkLost, match=r"USB socket 1-1\.3: no serial adapter .* 1-1\.1:1\.0 \(/dev/ttyUSB0\)"
    ):
        usb.resolve("1-1.3", sys)


def test_a_keyboard_is_no_serial_adapter(sys: Path):
    with pytest.raises(LinkLost):
        usb.resolve("1-3", sys)


def test_several_ports_must_be_told_apart(sys: Path):
    with pytest.raises(BadRigFile, match=r"has 2 ports, name one of 2-3\.1\.2:1\.0, 2-3\.1\.2:1\.1"):
        usb.resolve("2-3.1.2", sys)


@pytest.mark.parametrize("usb_path", ["", "ttyUSB0", "/dev/ttyUSB0", "1-", "1-1:", "../1-1"])
def test_what_is_no_socket_is_refused(sys: Path, usb_path: str):
    with pytest.raises(BadRigFile, match="is not a USB socket"):
        usb.resolve(usb_path, sys)


def test_adapters_say_who_they_are(sys: Path):
    board = usb.attached(sys)[0]
    assert (board.usb_path, board.vendor_id, board.product_id) == ("1-1.1:1.0", "1a86", "7523")


def test_a_link_by_socket_is_lost_while_nothing_is_plugged_in():
    with pytest.raises(LinkLost, match=r"USB socket 99-9\.9"):
        open_link(LinkSpec(usb_path="99-9.9"))
