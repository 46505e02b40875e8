"""What leaves L1 first when it is full: pure bookkeeping over keys, without bytes, clock or I/O."""
