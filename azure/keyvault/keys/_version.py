"""The version of this distribution, read by ``setup.py`` and sent in the User-Agent header."""

VERSION = "4.13.0b1"
