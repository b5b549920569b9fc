"""What the live service answered, held against the emulator and against the clients.

``answers/`` has scenarios, made of recordings of the live service: a request and its answer on each line, names and
values that do not matter replaced. ``python -m tests.live`` sends them to the emulator and prints where it agrees and
where not.
"""
