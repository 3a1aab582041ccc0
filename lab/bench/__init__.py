"""Where a trial happens. A bench opens a trial and hands out blocks until it ends."""
