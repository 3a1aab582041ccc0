"""Sound events: alarms, breaking glass, footsteps, doors. The device's own stage, and the verifier that judges its clips."""
