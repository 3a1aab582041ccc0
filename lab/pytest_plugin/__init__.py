"""The second front door: scenario files as pytest items."""
