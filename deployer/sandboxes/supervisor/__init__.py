"""Keeps the services of one sandbox host running, where there is no systemd.

One process per host, of the standard library alone: `python -m deployer.sandboxes.supervisor HOST_FOLDER`. It must not
be the descendant of a playbook run, which takes its descendants with it; so `create` starts it, as a daemon.
doc/sandboxes.md has its protocol.
"""
