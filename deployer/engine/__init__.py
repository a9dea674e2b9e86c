"""Execution of the batches of a bucket.

What may live here: how work is started, waited for and taken up again. What may not: what the work is.
"""

from deployer.engine.inline import InlineEngine

__all__ = ["InlineEngine"]
