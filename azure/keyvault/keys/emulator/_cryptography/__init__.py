"""Key material and algorithms, JOSE, and wrapping for transport. Independent of HTTP and of state."""
