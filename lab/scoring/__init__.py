"""Truth against detections: matching, outcomes, curves."""
