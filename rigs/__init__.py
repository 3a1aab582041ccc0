"""What stands on a bench: instrument drivers, serial links, audio interfaces and their emulators."""
