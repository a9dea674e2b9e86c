"""The switch of one instance, as a runbook: lock, receipt, release, configuration, link, service, health, receipt."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from . import health, receipt
from .errors import ReleaseError
from .layout import Layout, is_open_to, locked, remove, write
from .receipt import Journal, State
from .releases import clean_up, discard, has_release, install
from .request import Request, digest
from .service import Manager
from .situation import Situation, answer, definition_of, differs, found_on, is_good, look, manager_of, reasons
from .steps import Step, Steps
from .store import ReleaseStore


@dataclass
class Outcome:
    """What the module tells; complete at every moment, so that a failure tells all that is known."""

    changed: bool = False
    version_before: str = ""
    version_after: str = ""
    """What was wanted."""
    running: str = "unknown"
    """The version that answers now, `down` or `unknown`."""
    switched: bool = False
    """Whether version or configuration are other ones now."""
    rolled_back: bool = False
    msg: str = ""
    log: list[str] = field(default_factory=list)
    """The last lines of a service that did not become healthy."""
    configuration_before: str = ""
    configuration_after: str = ""
    steps: Steps = field(default_factory=Steps)


def perform(request: Request, outcome: Outcome, *, check: bool = False) -> None:
    """Bring the instance to the wanted state.

    Args:
        request: the wanted state.
        outcome: filled while the work goes on.
        check: only look, and touch nothing.

    Raises:
        ReleaseError: it could not be done; what was there before runs again where that was possible.
    """
    switch = _Switch(request, outcome)
    try:
        if check:
            switch.foresee()
        else:
            switch.perform()
    finally:
        if outcome.running == "unknown":
            outcome.running = health.ask(request.port, request.health).version or "down"


class _Switch:
    def __init__(self, request: Request, outcome: Outcome) -> None:
        self._request = request
        self._outcome = outcome
        self._steps = outcome.steps
        self._layout = Layout(request.home, request.name)
        self._manager: Manager = manager_of(request)
        self._definition = definition_of(request, self._layout)
        self._installed_now = ""

    def foresee(self) -> None:
        """Tell what `perform` would do."""
        now = self._look()
        if not has_release(self._layout, now.wanted.version):
            with self._steps.step("release") as step:
                ReleaseStore(self._request.store, self._request.login).checksum(
                    self._request.application, now.wanted.version
                )
                step.did(f"version {now.wanted.version} is in the release store")
        with self._steps.step("service") as step:
            self._tell_reason(step, now, patience=0)
        self._outcome.changed = any(step.changed for step in self._steps.done)

    def perform(self) -> None:
        """Do it, under the lock of the instance."""
        with ExitStack() as held:
            with self._steps.step("lock"):
                who = self._request.run or "a run without a name"
                held.enter_context(locked(self._layout, who=who, seconds=self._request.lock_timeout))
            with self._steps.step("receipt") as step:
                self._claim(step)
            now = self._look()
            if not has_release(self._layout, now.wanted.version):
                with self._steps.step("release") as step:
                    install(self._request, self._layout, now.wanted.version, step)
                    self._installed_now = now.wanted.version
            self._converge(now)
            self._outcome.changed = any(step.changed for step in self._steps.done)

    def _claim(self, step: Step) -> None:
        """Refuse to undo a newer run's work; from here on, older runs are refused."""
        known = receipt.read_receipt(self._layout)
        if known.fence > self._request.fence:
            raise ReleaseError(
                f"run {known.run} (number {known.fence}) was here already, and this run has the older "
                f"number {self._request.fence}: nothing was done"
            )
        left = self._layout.clean()
        if left:
            step.text = f"removed what a run that was cut off left: {', '.join(path.name for path in left)}"
        self._write_receipt(known, replace(known, run=self._request.run, fence=self._request.fence))

    def _look(self) -> Situation:
        with self._steps.step("look") as step:
            now = look(self._request, self._layout)
            outcome = self._outcome
            outcome.version_before, outcome.version_after = now.before.version, now.wanted.version
            outcome.configuration_before = now.before.configuration or ""
            outcome.configuration_after = now.wanted.configuration or ""
            step.text = f"{now.before.version or '(none)'} is installed, {now.wanted.version} is wanted"
        return now

    def _tell_reason(self, step: Step, now: Situation, *, patience: float) -> None:
        reason = reasons(self._request, self._layout, self._manager, now, patience=patience)
        if reason:
            step.did(f"must be started: {reason}")
        else:
            step.text = "is healthy, nothing to do"
            self._outcome.running = now.wanted.version

    def _converge(self, now: Situation) -> None:
        with self._steps.step("plan") as step:
            reason = reasons(self._request, self._layout, self._manager, now)
            step.text = reason or "the service is healthy, nothing to do"
        if reason:
            receipt.write_journal(self._layout, Journal(now.before, now.wanted))
            try:
                self._switch(now)
            except (ReleaseError, OSError) as error:
                raise self._roll_back(now, error) from error
        self._outcome.running = now.wanted.version
        self._outcome.switched = now.is_switch
        self._record(now)
        if now.is_switch:
            self._clean_up()

    def _switch(self, now: Situation) -> None:
        self._place(now.wanted)
        self._start("service")
        receipt.write_journal(self._layout, Journal(now.before, now.wanted, started=True))
        with self._steps.step("health") as step:
            started = time.monotonic()
            said = answer(self._request, self._manager, now.wanted, seconds=self._request.health_timeout)
            if not is_good(said, now.wanted):
                waited = self._waited(time.monotonic() - started)
                raise ReleaseError(
                    f"version {now.wanted.version} did not become healthy{waited}: {differs(said, now.wanted)}"
                )
            step.text = f"version {said.version} answers on port {self._request.port}"

    def _waited(self, seconds: float) -> str:
        """How long the service had; less than it was given where there was nothing left to wait for."""
        if self._manager.has_given_up(self._request.service):
            return f": after {seconds:.0f} s its service manager does not try to start it any more"
        return f" within {self._request.health_timeout:g} s"

    def _place(self, state: State) -> None:
        """Bring configuration file and link to a state, each only where it differs."""
        found = found_on(self._layout)
        with self._steps.step("configuration") as step:
            step.text = "as it was"
            if found.configuration != state.configuration:
                self._write_configuration(state.configuration)
                step.did("removed" if state.configuration is None else f"written, {_short(state)}")
            elif state.configuration is not None and not is_open_to(self._layout.configuration, *self._access):
                # The service runs as somebody else now, who could not read it.
                self._write_configuration(state.configuration)
                step.did(f"made readable for {self._request.user or 'root'} alone")
        with self._steps.step("current") as step:
            step.text = "as it was"
            if found.version != state.version:
                self._layout.point(state.version)
                step.did(f"{found.version or '(none)'} -> {state.version or '(none)'}")

    def _write_configuration(self, text: str | None) -> None:
        if text is None:
            remove(self._layout.configuration)
            return
        mode, owner = self._access
        write(self._layout.configuration, text, mode=mode, owner=owner)

    @property
    def _access(self) -> tuple[int, str]:
        """Permissions of the configuration and whose group it has: only the service may read the secrets in it."""
        return (0o640, self._request.user) if self._request.user else (0o600, "")

    def _start(self, name: str) -> None:
        with self._steps.step(name) as step:
            self._manager.start(self._definition)
            step.did(f"{self._definition.name} was started")

    def _record(self, now: Situation) -> None:
        with self._steps.step("record"):
            known = receipt.read_receipt(self._layout)
            wanted = replace(known, version=now.wanted.version, configuration=digest(now.wanted.configuration or ""))
            # After a crash between receipt and journal the switch is in the receipt already.
            if now.is_switch and not (now.journal and wanted == known):
                previous = now.before.version if now.before.version != now.wanted.version else known.previous
                wanted = replace(wanted, previous=previous, switched_at=receipt.now(), switches=known.switches + 1)
                os.utime(self._layout.release(now.wanted.version))
            self._write_receipt(known, wanted)
            receipt.remove_journal(self._layout)

    def _write_receipt(self, known: receipt.Receipt, wanted: receipt.Receipt) -> None:
        if wanted != known:
            receipt.write_receipt(self._layout, wanted)

    def _clean_up(self) -> None:
        with self._steps.step("clean") as step:
            known = receipt.read_receipt(self._layout)
            try:
                clean_up(self._layout, self._request.keep, {known.version, known.previous} - {""}, step)
            except OSError as error:
                # The switch is done; old files that stay are no reason to call it failed.
                step.text = f"old releases stay: {error}"

    def _roll_back(self, now: Situation, cause: Exception) -> ReleaseError:
        """Go back to the last good state, and say what happened and what runs now."""
        self._outcome.log = self._manager.log(self._definition)
        try:
            with self._steps.step("rollback") as step:
                step.did(self._go_back(now.before))
                end = step.text
        except (ReleaseError, OSError) as error:
            # The journal stays: the next run knows what was good.
            end = f"going back to {now.before.version or 'no release'} failed too: {error}"
        self._outcome.changed = True
        return ReleaseError("\n".join([f"{cause}; {end}", *self._last_lines()]))

    def _last_lines(self) -> list[str]:
        return (
            [f"The service's last lines, from {self._definition.name}:", *self._outcome.log]
            if self._outcome.log
            else []
        )

    def _go_back(self, before: State) -> str:
        if not before.version:
            self._place(before)
            self._manager.remove(self._definition.name)
            self._end_rollback()
            self._outcome.running = "down"
            return "there was no release before, so it is stopped"
        self._place(before)
        self._start("service")
        self._end_rollback()
        said = answer(self._request, self._manager, before, seconds=self._request.health_timeout)
        if is_good(said, before):
            self._outcome.running = before.version
            return f"switched back to {before.version}, which answers"
        return f"switched back to {before.version}, but it is not healthy either: {differs(said, before)}"

    def _end_rollback(self) -> None:
        self._outcome.rolled_back = True
        receipt.remove_journal(self._layout)
        if self._installed_now:
            # What never ran well is not worth a place among the last releases; it is in the store.
            discard(self._layout, self._installed_now)


def _short(state: State) -> str:
    return f"sha256 {digest(state.configuration or '')[:12]}"
