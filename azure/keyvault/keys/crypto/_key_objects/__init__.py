"""Keys in a vault that implement the key interfaces of ``cryptography``.

They call the ``CryptographyClient``. Only the public ``crypto`` package imports them, and only on request.
"""
