"""Where a Redis-protocol server is: what a URL says of it, and who is asked."""
