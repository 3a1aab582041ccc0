"""What sounds in a room: recordings and their procedural stand-ins, and noise."""
