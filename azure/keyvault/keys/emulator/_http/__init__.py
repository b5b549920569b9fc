"""HTTP: the server and its certificates, and ``app``, which dispatches each request to its operation."""
