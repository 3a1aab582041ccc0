"""What runs on a device: the detector stack and the builds that configure it."""

import os

# The runtime of the networks reports its use to its maker, and keeps an identifier on disk, unless told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
