"""How long an answer may be used: pure decisions, without clock or I/O."""
