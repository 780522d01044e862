"""The callback, and one run from its first to its last epoch."""
