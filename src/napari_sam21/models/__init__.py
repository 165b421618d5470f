"""How a model comes to this machine: the table of what can be had, and its files."""
