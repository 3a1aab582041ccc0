"""The only door to pyroomacoustics: a rectangular room, traced by image sources and rays.

Three things are set here and nowhere else: our ISO 9613-1 air instead of the library's table, one thread,
and the generator seeded right before each call. They make a trace a pure function of its arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics import air
from lab.acoustics.rt60 import OCTAVES_HZ

if TYPE_CHECKING:
    import pyroomacoustics

# Against a complete image source model (order 40, no scattering) the energy of orders 0 to 3 plus rays at a
# scattering of 0.1 is right within 0.2 dB before 40 ms and 0.5 dB after. More images make it worse: what
# they lose to scattering comes back only from the first bounce, and the level sags by 2 dB at 60 ms.
IMAGE_ORDER = 3
HISTOGRAM_S = 0.004
# Half of the library's fractional delay filter leads every impulse response it builds.
LEAD_SAMPLES = 40
# Rays end by time alone: an end by energy would shift the random draws of all later rays with every change of
# absorption, and a calibration needs a smooth answer.
ENERGY_LEFT = 1e-30


@dataclass(frozen=True)
class Climate:
    """Air of a room. temperature_c: -20 to 50. humidity_percent: 10 to 100. pressure_kpa: 60 to 110."""

    temperature_c: float = 20.0
    humidity_percent: float = 50.0
    pressure_kpa: float = air.REFERENCE_KPA

    @property
    def speed_m_s(self) -> float:
        return air.speed_of_sound_m_s(self.temperature_c)

    def energy_per_m(self, frequency_hz: ArrayLike) -> NDArray[np.float64]:
        """Exponent m of exp(-m d), 1/m, at each frequency."""
        return air.energy_per_m(
            air.absorption_db_per_m(
                frequency_hz, self.temperature_c, self.humidity_percent, self.pressure_kpa
            )
        )


@dataclass(frozen=True, eq=False)
class Shoebox:
    """What a trace needs of a room.

    size_m: (3,). absorption: energy absorption, shape (6, 7): west, east, south, north, floor, ceiling by
    octave 125 Hz to 8 kHz. scattering: of all walls, same shape.
    """

    size_m: tuple[float, float, float]
    absorption: NDArray[np.float64]
    scattering: NDArray[np.float64]
    climate: Climate


def trace(
    box: Shoebox,
    source_m: ArrayLike,
    microphones_m: ArrayLike,
    rate_hz: int,
    duration_s: float,
    seed: int,
    rays: int,
) -> pyroomacoustics.ShoeBox:
    """Images up to IMAGE_ORDER and rays from there on, for one source and M microphones.

    source_m: (3,). microphones_m: (M, 3). duration_s: rays are followed this long. seed: 0 to 2**63 - 1.
    rays: how many.
    """
    import pyroomacoustics as pra

    # The environment variable is read once, at import, and OMP_NUM_THREADS not at all.
    pra.constants.set("num_threads", 1)
    walls = {}
    for index, name in enumerate(("west", "east", "south", "north", "floor", "ceiling")):
        walls[name] = pra.Material(
            {"coeffs": list(box.absorption[index]), "center_freqs": list(OCTAVES_HZ)},
            {"coeffs": list(box.scattering[index]), "center_freqs": list(OCTAVES_HZ)},
        )
    room = pra.ShoeBox(list(box.size_m), fs=rate_hz, materials=walls, max_order=IMAGE_ORDER, ray_tracing=True)
    room.set_sound_speed(box.climate.speed_m_s)
    centres = [float(centre) for centre in room.octave_bands.centers]
    room.set_air_absorption([float(m) for m in box.climate.energy_per_m(centres)], centres)
    room.set_ray_tracing(
        n_rays=rays, hist_bin_size=HISTOGRAM_S, time_thres=duration_s, energy_thres=ENERGY_LEFT
    )
    room.add_source([float(axis) for axis in np.asarray(source_m)])
    room.add_microphone_array(np.asarray(microphones_m, dtype=np.float64).T)
    pra.random.seed(numpy=seed, libroom=seed)
    room.image_source_model()
    # The engine counts rays from the image order on, images up to and including it: that order would be
    # heard twice (about 1 dB). Rays start one order later; set_sound_speed hands the new order down.
    room.max_order = IMAGE_ORDER + 1
    room.set_sound_speed(box.climate.speed_m_s)
    room.ray_tracing()
    return room


def energy_histogram(room: pyroomacoustics.ShoeBox, bins: int) -> NDArray[np.float64]:
    """Energy arriving at each microphone by octave and time, air included: (M, bands, bins) of HISTOGRAM_S.

    It is the expected energy of the impulse responses, without building them.
    """
    (source,) = room.sources
    energy = np.zeros((room.n_mics, len(room.air_absorption), bins))
    for index, microphone in enumerate(room.mic_array.R.T):
        distance = np.linalg.norm(source.images - microphone[:, None], axis=0)
        slot = (distance / room.c / bin_s(room)).astype(int)
        heard = slot < bins
        for band, damping in enumerate(source.damping):
            image_energy = np.square(damping[heard] / distance[heard])
            energy[index, band] = np.bincount(slot[heard], image_energy, minlength=bins)
    return energy * _air_decay(room, bins) + ray_histogram(room, bins)


def ray_histogram(room: pyroomacoustics.ShoeBox, bins: int) -> NDArray[np.float64]:
    """The part of `energy_histogram` that the rays bring, same shape."""
    energy = np.zeros((room.n_mics, len(room.air_absorption), bins))
    for index in range(room.n_mics):
        rays = room.rt_histograms[index][0][0][:, :bins]
        energy[index, :, : rays.shape[1]] = rays
    return energy * _air_decay(room, bins)


def bin_s(room: pyroomacoustics.ShoeBox) -> float:
    """Length of a histogram's bin: HISTOGRAM_S, rounded down to whole samples."""
    return room.rt_args["hist_bin_size"]


def _air_decay(room: pyroomacoustics.ShoeBox, bins: int) -> NDArray[np.float64]:
    """Energy that the air leaves at the middle of each bin, (bands, bins)."""
    return np.exp(-room.air_absorption[:, None] * room.c * bin_s(room) * (np.arange(bins) + 0.5))


def image_responses(room: pyroomacoustics.ShoeBox) -> NDArray[np.float64]:
    """Impulse responses of the images alone, (M, taps); time 0 is the emission."""
    room.simulator_state["rt_needed"] = False
    room.compute_rir()
    taps = max(len(row[0]) for row in room.rir)
    rows = [np.pad(row[0], (0, taps - len(row[0]))) for row in room.rir]
    return np.stack(rows)[:, LEAD_SAMPLES:]
