"""The bench that stands on a table: instruments move, loudspeakers play, microphones and a device listen."""
