"""Where entries are kept: L1 in this process, L2 in Redis."""
