"""Sample MBUs and screens: what `aggregator demo` runs."""
