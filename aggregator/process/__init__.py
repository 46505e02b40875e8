"""One service is several processes: a parent that supervises and has the admin listener, and the workers."""
