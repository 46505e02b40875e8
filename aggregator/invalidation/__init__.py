"""The invalidation log: publishing to it, following it, and noticing when it was lost."""
