"""Authentication: challenges, the flow that decides, the policies that drive it, credentials, and single flight.

Builds on ``pipeline`` (the limits of a call) and ``wire`` (origins). Connections get their policies from here.
"""
