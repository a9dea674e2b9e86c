"""Drive Ansible playbooks through the deployer host of each site."""

__version__ = "0.1.0"
