"""What a run knows and must not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployer.model.plan import Target
from deployer.playbook import inventory, redaction, vault
from deployer.playbook.command_line import extra_variables
from deployer.ports import PlaybookRun

Hidden = Mapping[str, list[str]]
"""`secrets`, and what leads to more of them: `vaulted` texts and `vault_sources`, as `--vault-id` takes them."""


def of_run(
    playbook: PlaybookRun, targets: Sequence[Target], environ: Mapping[str, str], passed: Sequence[str]
) -> Hidden:
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


def redactor(given: Hidden) -> redaction.Redactor:
    """Takes all of it out of texts; the vaulted texts are decrypted for that."""
    secrets = list(given["secrets"])
    if given["vaulted"]:
        known = tuple(vault.passwords(given["vault_sources"]))
        secrets += [*known, *vault.decrypted(given["vaulted"], known)]
    return redaction.Redactor(secrets)
