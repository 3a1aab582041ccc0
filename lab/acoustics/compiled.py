"""The decorator of every compiled loop."""

from __future__ import annotations

import numba

# error_model="numpy": a division by zero gives inf as in numpy. The default checks each division in the inner
# loop and keeps it from being vectorised, which costs a factor of 8 or more.
compiled = numba.njit(error_model="numpy", cache=True, nogil=True)

# The same where a product and a sum may be rounded once (fused multiply-add): half the time of a polynomial.
fused = numba.njit(error_model="numpy", cache=True, nogil=True, fastmath={"contract"})
