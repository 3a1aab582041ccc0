"""What may be claimed from counts: intervals, clusters, exposure, decisions."""
