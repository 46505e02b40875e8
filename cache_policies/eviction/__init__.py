"""What leaves L1 first when it is full: pure bookkeeping over nodes, without clock or I/O."""
