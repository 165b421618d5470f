"""How a graph can be run on this machine. Nothing outside knows a provider by name.

`way` says how a graph is run; `table` holds what each provider wants to be told;
`plugins` finds providers that came as packages of their own; `sessions` opens a graph
in one of these ways; `agreement` says how far two ways agree.
"""
