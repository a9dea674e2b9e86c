"""Runs on a deployer host: takes locks and holds them until the controller is gone. Python 3.9, standard library."""
