"""What moves in a room, and what a detector should say of it. One file a mover: its spec beside its physics."""
