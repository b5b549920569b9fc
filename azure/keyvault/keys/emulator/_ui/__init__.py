"""The emulator's web page: one page at its root that shows and controls a vault. Off by default.

``guard`` decides who may see it, ``snapshot`` reads the vault, ``page`` writes HTML, ``actions`` carries out forms, and
``console`` takes a request through all of them. No scripts, no external content, and no private keys.
"""
