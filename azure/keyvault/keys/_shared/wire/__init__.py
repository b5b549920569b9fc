"""From operations to requests and from answers to results; vault URLs, key identifiers, API versions. No I/O.

It imports only the generated layer. Facades, models and the other rooms may import it.
"""
