"""What users would pick instead, on the same images, threads and machine.

Each peer lives in an environment of its own, and in a process of its own that waits to
be asked; rounds go from one to the next, so that noise hits all of them.
"""
