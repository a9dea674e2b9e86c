"""An Ansible inventory directory -> environments, sites, clusters, hosts (doc/inventory.md).

Ansible itself reads it (`ansible-inventory --list`), and its answer is kept by the content of the directory. Nothing
here connects to a host or judges a manifest.
"""
