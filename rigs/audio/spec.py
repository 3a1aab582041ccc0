"""Which interface, which channels, and what its path must look like for a recording to count."""

from __future__ import annotations

from dataclasses import dataclass, field

from rigs.audio.pilot import Pilot


@dataclass(frozen=True)
class AudioSpec:
    """An interface as it is wired.

    device, host_api: parts of their names; "" is any. rate_hz: samples per second; no hidden resampling. outputs, inputs:
    how many channels are used. block: samples a callback; 0 takes the
    host's own, anything else may add a block of lag.
    output_map, input_map: connector numbers as printed on the interface, from 1; empty is 1, 2, 3 ... Playback channel i
    goes to connector `output_map[i]`, recorded channel i comes from `input_map[i]`.
    full_scale_db_spl: per input, the level in dB SPL of a sine whose peaks reach full scale; empty where nothing is
    calibrated.

    pilot_output, reference_input: channels (from 0) between which lag and level are measured.
    lag_samples: least and most lag of that path, None for anything the pilot listens for.
    path_gain_db: level of the recorded pilot over the played one, None to leave it unjudged, with its tolerance.
    peak_ratio_db: least ratio of a pilot's correlation peak to the second peak; below there is no acoustic path.
    lag_tolerance: samples by which head and tail may differ; in air 1 degree shifts 3 m by 1.5 samples at 96 kHz.
    max_skew_ppm: allowed where recorder and player run on clocks of their own (0: one clock).
    exact: a cable inside one computer: lag must be whole, the same at head and tail, and the body must come back bit for
    bit on every input whose connector number is also an output's.
    ahead_s: how much playback is asked for in advance. patient_s: how long a sound card of software waits for more.
    """

    device: str = "loopback"
    host_api: str = "JACK"
    rate_hz: int = 96_000
    outputs: int = 1
    inputs: int = 1
    block: int = 0
    output_map: tuple[int, ...] = ()
    input_map: tuple[int, ...] = ()
    full_scale_db_spl: tuple[float, ...] = ()
    pilot: Pilot = field(default_factory=Pilot)
    pilot_output: int = 0
    reference_input: int = 0
    lag_samples: tuple[int, int] | None = None
    path_gain_db: float | None = None
    path_gain_tolerance_db: float = 3.0
    peak_ratio_db: float = 6.0
    lag_tolerance: float = 16.0
    max_skew_ppm: float = 0.0
    exact: bool = False
    ahead_s: float = 0.5
    patient_s: float = 0.0

    def __post_init__(self) -> None:
        for name, count, given in (
            ("output", self.outputs, self.output_map),
            ("input", self.inputs, self.input_map),
        ):
            if count < 1:
                raise ValueError(f"{name}s = {count}: at least 1 is needed")
            if given and (len(given) != count or len(set(given)) != count or min(given) < 1):
                raise ValueError(
                    f"{name}_map = {given}: {count} different connector numbers from 1 are needed"
                )
        if self.full_scale_db_spl and len(self.full_scale_db_spl) != self.inputs:
            raise ValueError(f"full_scale_db_spl: {self.inputs} values are needed, one per input")
        if not 0 <= self.pilot_output < self.outputs or not 0 <= self.reference_input < self.inputs:
            raise ValueError("pilot_output and reference_input count the channels in use from 0")

    @property
    def out_connectors(self) -> tuple[int, ...]:
        return self.output_map or tuple(range(1, self.outputs + 1))

    @property
    def in_connectors(self) -> tuple[int, ...]:
        return self.input_map or tuple(range(1, self.inputs + 1))

    @property
    def loops(self) -> tuple[tuple[int, int], ...]:
        """(output, input) channels that share a connector number: what a loopback device returns."""
        return tuple(
            (self.out_connectors.index(number), channel)
            for channel, number in enumerate(self.in_connectors)
            if number in self.out_connectors
        )
