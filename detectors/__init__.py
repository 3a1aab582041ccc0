"""What runs on a device: the detector stack and the builds that configure it."""
