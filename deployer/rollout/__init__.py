"""The runbook: lock, sync, read, pick, plan, guard, roll out, record.

It knows the ports and the model. No adapter is imported here, nothing is printed, and no process is started.
"""
