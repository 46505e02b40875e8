"""Who asks: viewers' tokens verified, and hashes that stand for what must not be in a key."""
