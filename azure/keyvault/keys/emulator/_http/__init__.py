"""HTTP: the server and its certificates, and ``app``, which leads from a request to the operation that answers it."""
