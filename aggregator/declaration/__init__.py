"""The declaration: screens.toml or its like in Python, compiled into a catalogue, every mistake named."""
