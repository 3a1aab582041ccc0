"""The bench in which sound is really played, and air and device are processes: a room twin and a virtual device."""
