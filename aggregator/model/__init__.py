"""The nouns: pure values and rules, without clock, chance or I/O."""
