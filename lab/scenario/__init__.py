"""What a scenario file may say, and how one trial is drawn from it."""
