"""Keys of a vault as the interfaces of ``cryptography`` want them.

They call the ``CryptographyClient``. Only the public ``crypto`` package imports them, and only when asked for them.
"""
