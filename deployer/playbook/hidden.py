"""What a run knows and must not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployer.model.plan import Target
from deployer.playbook import inventory, redaction, vault
from deployer.playbook.command_line import extra_variables
from deployer.ports import PlaybookRun


def of_run(
    playbook: PlaybookRun, targets: Sequence[Target], environ: Mapping[str, str], passed: Sequence[str]
) -> vault.Hidden:
    """What must not be written, and what leads to it.

    Args:
        playbook: the run.
        targets: those whose machines and manifests count.
        environ: the user's environment.
        passed: names of variables in it that Ansible gets besides the usual ones.
    """
    machines = {target.host: inventory.placement(playbook.site, target) for target in targets}
    given = [playbook.variables, *extra_variables(playbook.options.raw)]
    values = [playbook.site.variables, *given, *(machine.variables for machine in machines.values())]
    manifests = [target.value for target in targets]
    environment = {name: environ[name] for name in passed if name in environ}
    sources = [*playbook.options.vault_ids, environ.get("ANSIBLE_VAULT_PASSWORD_FILE", "")]
    return {
        "secrets": list(dict.fromkeys(redaction.secrets_in([*values, *manifests, environment]))),
        "vaulted": list(dict.fromkeys(vault.vaulted_in(values))),
        "vault_sources": [source for source in sources if source],
    }
