"""Code that turns stored results into figures and pages. What it writes goes to the ignored `runs/`."""
