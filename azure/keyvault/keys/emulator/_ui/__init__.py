"""The emulator's face: one page at its root that shows a vault and turns its knobs. Off unless it is asked for.

``guard`` says who may see it, ``snapshot`` reads the vault, ``page`` writes HTML, ``actions`` does what forms ask for,
and ``console`` leads a request through them. No script, nothing from elsewhere, and no private key.
"""
