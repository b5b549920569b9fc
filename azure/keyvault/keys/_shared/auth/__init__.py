"""Authentication: challenges, the flow that decides, the policies that drive it, credentials, and single flight.

Stands on ``pipeline`` (the limits of a call) and ``wire`` (origins). Connections take their policies from here.
"""
