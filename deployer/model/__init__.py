"""Frozen values and pure functions in the words of doc/glossary.md.

Nothing here does I/O, reads a clock or looks at the environment. A change of a value is a copy (`dataclasses.replace`).
"""
