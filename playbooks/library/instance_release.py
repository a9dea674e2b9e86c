"""Ansible module: bring an instance to a release and a configuration, wait until it is healthy, or go back."""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.release_switch.errors import ReleaseError
from ansible.module_utils.release_switch.request import digest, read_request
from ansible.module_utils.release_switch.store import without_login
from ansible.module_utils.release_switch.switch import Outcome, perform

DOCUMENTATION = r"""
---
module: instance_release
short_description: Switch an instance to a release and a configuration
description:
  - Finds the release in the release store, checks it, unpacks it, writes the configuration, switches C(current),
    starts the service, and waits until it is healthy with the expected version. Where it does not become healthy, what
    was there before is started again and the task fails.
  - Does nothing where all of this is so already.
author: The authors of deployer
options:
  name:
    {description: "The instance's name.", type: str, required: true}
  application:
    {description: "The application's name in the release store.", type: str, required: true}
  version:
    {description: "The release; empty keeps the one that is installed.", type: str, default: ""}
  store:
    {description: "Address of the release store.", type: str, default: ""}
  store_user:
    {description: "Login of the release store; empty where the secret is a token.", type: str, default: ""}
  store_secret:
    {description: "Password or token of the release store.", type: str, default: ""}
  store_secret_file:
    {description: "A file on the host with that secret, which wins.", type: path, default: ""}
  home:
    {description: "The folder that holds all instances of the host.", type: path, default: /srv/instances}
  configuration:
    {description: "Text of the configuration file; empty keeps the installed one.", type: str, default: ""}
  port:
    {description: "Where the service listens.", type: str, required: true}
  health:
    {description: "Path of the health endpoint.", type: str, default: /health}
  health_timeout:
    {description: "Seconds to wait until the service is healthy.", type: float, default: 60}
  keep:
    {description: "How many releases stay on the host.", type: int, default: 3}
  service_manager:
    {description: "What keeps the service running.", type: str, choices: [systemd, supervisor], default: systemd}
  supervisor_socket:
    {description: "Path of the supervisor's socket.", type: str, default: ""}
  command:
    {description: "The program that serves, inside the release.", type: str, default: bin/serve}
  user:
    {description: "The login that the service runs as; empty for the service manager's.", type: str, default: ""}
  restart:
    {description: "Restart also where nothing changed.", type: bool, default: false}
  run:
    {description: "Identifier of the run.", type: str, default: ""}
  fence:
    {description: "Number of the run; one older than the host has seen is refused.", type: int, default: 0}
  lock_timeout:
    {description: "Seconds to wait for another run on the same instance.", type: float, default: 30}
  most_size:
    {description: "MiB of the release's archive, and of its files together.", type: int, default: 2048}
  most_files:
    {description: "Files of the release.", type: int, default: 100000}
  seconds:
    {description: "Seconds for the download of the archive.", type: float, default: 900}
attributes:
  check_mode: {support: full, description: "Touches nothing and tells what would change."}
  diff_mode: {support: full, description: "Shows version and configuration before and after."}
"""

EXAMPLES = r"""
- name: Switch the release
  instance_release:
    name: viatris
    application: shopfront
    version: 1.4.2
    store: https://releases.example.com
    configuration: "{}"
    port: "8101"
"""

RETURN = r"""
version_before:
  {description: "The version that was installed; empty for none.", type: str, returned: always}
version_after:
  {description: "The version that was wanted.", type: str, returned: always}
running:
  {description: "The version that answers now, or C(down) or C(unknown).", type: str, returned: always}
switched:
  {description: "Whether version or configuration are other ones now.", type: bool, returned: always}
rolled_back:
  {description: "Whether what was there before was put back.", type: bool, returned: always}
steps:
  {description: "Each step: name, changed, seconds, text.", type: list, elements: dict, returned: always}
log:
  {description: "Last lines of a service that was not healthy.", type: list, elements: str, returned: always}
"""

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "application": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "store": {"type": "str", "default": ""},
    "store_user": {"type": "str", "default": ""},
    "store_secret": {"type": "str", "default": "", "no_log": True},
    # The file is named, and what it holds is read by the module alone.
    "store_secret_file": {"type": "path", "default": "", "no_log": False},
    "home": {"type": "path", "default": "/srv/instances"},
    "configuration": {"type": "str", "default": "", "no_log": False},
    # A text, since a manifest's value that is no number should fail with a result as complete as any other.
    "port": {"type": "str", "required": True},
    "health": {"type": "str", "default": "/health"},
    "health_timeout": {"type": "float", "default": 60},
    "keep": {"type": "int", "default": 3},
    "service_manager": {"type": "str", "choices": ["systemd", "supervisor"], "default": "systemd"},
    "supervisor_socket": {"type": "str", "default": ""},
    "command": {"type": "str", "default": "bin/serve"},
    "user": {"type": "str", "default": ""},
    "restart": {"type": "bool", "default": False},
    "run": {"type": "str", "default": ""},
    "fence": {"type": "int", "default": 0},
    "lock_timeout": {"type": "float", "default": 30},
    "most_size": {"type": "int", "default": 2048},
    "most_files": {"type": "int", "default": 100_000},
    "seconds": {"type": "float", "default": 900},
}


def diff(outcome: Outcome) -> list[dict[str, str]]:
    """Version and configuration before and after, in the form that Ansible prints."""
    pairs = (
        ("version", _line(outcome.version_before), _line(outcome.version_after)),
        ("configuration.json", outcome.configuration_before, outcome.configuration_after),
    )
    return [
        {"before_header": name, "after_header": name, "before": before, "after": after}
        for name, before, after in pairs
        if before != after
    ]


def _line(text: str) -> str:
    return f"{text}\n" if text else ""


def result(module: AnsibleModule, outcome: Outcome) -> dict[str, object]:
    """All keys of the module's result, whether it failed or not."""
    told = {"store": without_login(module.params["store"])}
    answer: dict[str, object] = {
        "changed": outcome.changed,
        "version_before": outcome.version_before,
        "version_after": outcome.version_after,
        "running": outcome.running,
        "switched": outcome.switched,
        "rolled_back": outcome.rolled_back,
        "log": outcome.log,
        "steps": [step.as_dict() for step in outcome.steps.done],
        # Ansible would repeat the whole configuration in every event; its checksum says as much.
        "invocation": {"module_args": module.params | {"configuration": digest(module.params["configuration"])} | told},
    }
    # Ansible's own private name is how it tells a module that `--diff` was given.
    if module._diff:  # noqa: SLF001  there is no public one
        answer["diff"] = diff(outcome)
    return answer


def main() -> None:
    """Run the module: arguments in and result out as Ansible has it."""
    # no_log here only keeps the arguments, with the configuration, out of the host's syslog.
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, no_log=True)
    outcome = Outcome()
    try:
        perform(read_request(module.params), outcome, check=module.check_mode)
    except (ReleaseError, OSError) as error:
        module.fail_json(msg=str(error), **result(module, outcome))
    except Exception as error:  # noqa: BLE001  the boundary of the process: the result must be complete here too
        module.fail_json(msg=f"unexpected: {error!r}", exception=traceback.format_exc(), **result(module, outcome))
    module.exit_json(**result(module, outcome))


if __name__ == "__main__":
    main()
