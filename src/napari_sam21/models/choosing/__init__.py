"""Which way to run a model on this machine: tried, compared, remembered.

`exam` is what a way is asked, `trial` asks it in a process of its own, `child` starts
and stops that process, `candidates` and `choose` go through all ways, `memory` keeps
what was found, `wish` what the user wants, and `pick` makes a decision of the two.
"""
