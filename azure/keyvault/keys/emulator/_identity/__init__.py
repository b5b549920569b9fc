"""Identity: the token authority, its endpoints, credentials for clients in the same process, and attestation."""
