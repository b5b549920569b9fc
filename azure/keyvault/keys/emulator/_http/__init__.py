"""HTTP: the server and its certificates, messages, request bodies, faults, throttling and the record of requests.

``app`` leads from here to operations and identity, which know nothing of HTTP beyond messages and bodies.
"""
