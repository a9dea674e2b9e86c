"""The sync engine: brings a clone on a deployer host and its remote together without losing anything of either.

`remote/` is what runs on the deployer host, one step a call. Here, on the controller: the tries (`engine`), the classes
of failure (`classes`), and what a person is told (`manual`). It knows no manifest: who merges files is handed in.
"""
