"""How deployer reaches people and other systems: an open family. A member is a module here and a line in `notifiers`.

What may live here: one outside system per module, spoken to through its published interface. What may not: any decision
about when somebody is told; that is rollout's.
"""
