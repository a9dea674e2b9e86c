"""Runs on a deployer host: gathers what `doctor` judges. Changes nothing. Python 3.9, standard library."""
