"""Ways to ask an MBU; each is a `Loader`, and wrappers are loaders too."""
