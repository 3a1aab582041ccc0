"""Detectors that this project ships, and how often what their code makes of a capture has changed.

Evidence hangs on the hash of a build. Code is not in it, or every refactoring would void hundreds of hours; the revision is. Whoever changes
code so that scores change raises it: `tests/runs/test_kept_scores.py` notices.
"""

from __future__ import annotations

# name -> module:callable; the callable takes the DetectorSpec and answers a Detector
SHIPPED = {
    "watermark": "detectors.watermark.from_build:from_spec",
    "doppler_cfar": "detectors.presence.from_build:doppler_cfar",
    "notch": "detectors.presence.from_build:notch",
    "prediction": "detectors.presence.from_build:prediction",
    "presence": "detectors.presence.from_build:presence",
    "sound_events": "detectors.sound_events.from_build:sound_events",
}

# module:callable -> revision, where it is not the first. Detectors of others say theirs in the build file.
REVISIONS = {
    # 2: that somebody came takes a second of evidence. 3: a major motion is one from even odds on. 4: beats and hiss are heeded.
    # 5: who comes takes more evidence than who is there. 6: a microphone that falters is given up, a calibration of nothing starts over.
    # 7: a motion is told by evidence of 0.1 s. 8: the network listens while filters settle, and remembers over gaps;
    # who comes takes still more evidence.
    "detectors.presence.from_build:presence": 8,
}


# Shipped as well: these make a detector of the one named.
WRAPPED = {f"lab.bench.beside:{name}": SHIPPED[name] for name in ("doppler_cfar", "notch", "prediction")}


def own(name: str, factory: str | None) -> str | None:
    """The module:callable of this project that a `[[detector]]` table comes down to; None for a detector of others."""
    path = factory or SHIPPED.get(name, "")
    path = WRAPPED.get(path, path)
    return path if path in SHIPPED.values() else None
