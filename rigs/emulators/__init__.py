"""Instruments that exist only as a program: each speaks its wire, strictly, over a real pseudo-terminal."""
