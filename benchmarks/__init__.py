"""What the service costs and what it saves, measured; benchmarks/README.md says what the figures are not."""
