"""The backend `nspawn`: Debian hosts with systemd and sshd, in namespaces of this machine. It needs root.

`backend.Nspawn` is the member of the family. A sandbox is described by its `plan` (names and addresses, nothing runs),
its hosts are copies of an `image`, they are `host`ed by systemd-nspawn in control groups of their own, and `network`
connects them.
"""
