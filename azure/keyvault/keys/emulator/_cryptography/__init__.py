"""Key material and algorithms, JOSE, wrapping for transport, and attestation. Knows no HTTP and no state."""
