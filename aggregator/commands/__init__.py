"""The commands, each one file; `aggregator.cli` gathers them."""
