"""Key material and algorithms, JOSE, and wrapping for transport. Knows no HTTP and no state."""
