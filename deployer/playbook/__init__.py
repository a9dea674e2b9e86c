"""Operations and the playbook runs that carry them out.

Here lives all that knows Ansible: what an operation.yml says, the inventory and the environment of a run, the child
process around ansible-runner, and how its events become outcomes. `child` alone imports ansible_runner, and only the
child process imports `child`; nothing here imports ansible. Import the modules: this package has no names of its own,
so that the command line can read operations without paying for the rest.
"""
