"""Who is told of manual work: the table."""

from __future__ import annotations

from collections.abc import Callable

from deployer.integrations.command import CommandNotifier
from deployer.integrations.webhook import WebhookNotifier
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
        found.append(WebhookNotifier(settings.webhook.get_secret_value(), render, settings.seconds))
    return tuple(found)
