"""The switch of an instance's release on its host, for the module instance_release.

Standard library only, Python 3.9 or later: Ansible copies these files to the target. What is here knows the file
system, one service manager and one HTTP endpoint; it knows neither manifests nor git.
"""
