"""Who is told of manual work: the table."""

from __future__ import annotations

from collections.abc import Callable

from deployer.integrations.command import CommandNotifier
from deployer.model.sync import ManualWork
from deployer.ports import Notifier
from deployer.settings import AttentionSettings


def notifiers(settings: AttentionSettings, render: Callable[[ManualWork], str]) -> tuple[Notifier, ...]:
    """The notifiers that the settings name; none when they name none.

    Args:
        settings: the section `on_attention`.
        render: manual work -> the text for a person.
    """
    found: list[Notifier] = []
    if settings.command:
        found.append(CommandNotifier(settings.command, render, settings.seconds))
    if settings.webhook is not None:
        # Its HTTP client costs every start as much as click does; few have a webhook.
        from deployer.integrations.webhook import WebhookNotifier  # noqa: PLC0415  the reason is above

        found.append(WebhookNotifier(settings.webhook.get_secret_value(), render, settings.seconds))
    return tuple(found)
