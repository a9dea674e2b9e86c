"""Checks of live instances: an operation's testinfra files, run by pytest in a process of its own.

The controller (`runner`, `lane`) starts one process for each machine and follows what it says; only that process
(`child`, `plugin`, `live`) imports pytest and testinfra. How a machine is reached, and what must not be written, is
told from outside (`reach`), so that it is what Ansible does.
"""
