"""Where a step runs: on this machine, or on one behind SSH (fabric).

What runs there, and what it means, is none of this package's business, except for its own two small programs: the
locks on a deployer host, and what `doctor` looks at. The same code path serves both kinds of host; only starting a
command differs.
"""
