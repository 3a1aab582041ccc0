"""Serial lines and their kin: one owner a port, every byte in a log, reconnected after an unplug."""

from rigs.links.link import Line, Link, LinkState, open_link
from rigs.links.spec import LinkSpec

__all__ = ["Line", "Link", "LinkSpec", "LinkState", "open_link"]
