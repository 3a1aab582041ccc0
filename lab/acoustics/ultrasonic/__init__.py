"""How a tone above hearing travels from a device's loudspeaker, over what moves, to its microphones.

All fields are complex envelopes about the carrier, time factor exp(+j w t): a path of length r is exp(-j k r). Pressure is
relative to that of the loudspeaker on its axis at 1 m in free field, so an echo times the emission's pressure is in Pa.
"""
