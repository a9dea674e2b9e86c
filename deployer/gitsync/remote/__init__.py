"""The program that is streamed to a deployer host: the standard library (Python 3.9) and git 2.39, nothing of ours.

One call is one step (`main.STEPS`). It answers plain data; what a failure means and whether to try again is decided
on the controller.
"""
