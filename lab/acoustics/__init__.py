"""How sound travels: air, rooms, impulse responses, microphones, converters. Imports nothing of ours."""
