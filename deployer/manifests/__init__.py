"""The formats that manifests are written in (XML, YAML, JSON): read, set one value, merge three ways.

Bytes outside a change stay as they were. What is read here is hostile: nothing is expanded, evaluated or fetched, and
size and depth are bounded. No other package of deployer is known here but the model, the errors and the ports.
"""

from __future__ import annotations

from deployer.manifests.facade import ManifestFormats, duplicates
from deployer.manifests.merging.identity import Identities
from deployer.manifests.merging.rules import read_rules
from deployer.model.merge import MergeResult

__all__ = ["Identities", "ManifestFormats", "MergeResult", "duplicates", "read_rules"]
