"""Earshot: a hardware-in-the-loop test and acoustic simulation lab for always-listening devices."""
