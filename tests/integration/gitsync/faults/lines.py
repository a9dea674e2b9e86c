"""Situations: the line to the remote, over ssh (a real sshd), HTTP (git http-backend) and git daemon."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable

from tests.integration.gitsync.faults.remotes import LATER, REFUSED, hooked, unhooked
from tests.integration.gitsync.faults.scene import SECRET, Scene, once
from tests.integration.gitsync.faults.servers import Daemon, Fault, HttpServer, Line, certificate
from tests.integration.gitsync.faults.situation import GIT, HTTP, SSH, Situation
from tests.sshd import free_port, make_key

FETCH = "git fetch "
PUSH = "git push -q "
NOT_LANDED = "the change did not land; report"
AGAIN = "tried again, then lands"
INFO, UPLOAD, RECEIVE = "info/refs?service=git-upload-pack", "/git-upload-pack", "/git-receive-pack"
KILL_SESSION = """p=$PPID
while read name </proc/$p/comm; do case $name in sshd*) kill -9 $p; break;; esac; p=$(cut -d' ' -f4 /proc/$p/stat); done
"""
"""Of a hook that sshd started: kills the nearest sshd, which serves this connection."""


def over(*steps: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """One after the other."""

    def make(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return make


# ssh


def by_ssh(scene: Scene) -> None:
    """As it should be."""
    scene.sshd()


def other_key(scene: Scene) -> None:
    """With a key that the server does not know."""
    make_key(scene.root / "other_key")
    scene.sshd()
    command = scene.git(scene.clone, "config", "core.sshCommand")
    words = [word for word in command.split() if "IdentityFile" not in word]
    scene.git(scene.clone, "config", "core.sshCommand", " ".join([*words, f"-i '{scene.root}/other_key'"]))


def host_key(line: str) -> Callable[[Scene], None]:
    """With a known_hosts of its own."""

    def make(scene: Scene) -> None:
        server = scene.sshd()
        known = scene.root / "bin" / "known"
        if line:
            make_key(scene.root / "host_key")
            known.write_text(f"remote {(scene.root / 'host_key.pub').read_text()}")
        else:
            known.touch()
        scene.ssh_by(server.port, "127.0.0.1", f"-oUserKnownHostsFile='{known}'")

    return make


def ssh_to(host: str = "127.0.0.1") -> Callable[[Scene], None]:
    """To a port where nobody listens, or to a name that nobody has."""

    def make(scene: Scene) -> None:
        scene.ssh_by(free_port(), host)

    return make


def repository_missing(scene: Scene) -> None:
    """The server has no such repository."""
    by_ssh(scene)
    scene.bare.rename(scene.root / "away")


def repository_back(scene: Scene) -> None:
    """It is there again."""
    (scene.root / "away").rename(scene.bare)


def no_git_there(scene: Scene) -> None:
    """The server has no git where it is looked for."""
    by_ssh(scene)
    scene.git(scene.clone, "config", "remote.origin.uploadpack", "/no/such/git-upload-pack")


def git_there(scene: Scene) -> None:
    """It has."""
    scene.git(scene.clone, "config", "--unset", "remote.origin.uploadpack")


def breaking(*cuts: int) -> Callable[[Scene], None]:
    """Connections that are reset after so many bytes of the answer."""

    def make(scene: Scene) -> None:
        line = Line(scene.sshd().port)
        scene.undo.append(line.stop)
        line.cuts = [*cuts]
        scene.ssh_by(line.port)

    return make


def mute(scene: Scene) -> None:
    """A port that takes connections and never says a word."""
    line = Line(scene.sshd().port)
    line.is_mute = True
    scene.undo.append(line.stop)
    scene.ssh_by(line.port)


# HTTP


def by_http(*faults: Fault, login: str = "", url: str = "", tls: bool = False) -> Callable[[Scene], None]:
    """Behind a web server with faults."""

    def make(scene: Scene) -> None:
        asked = base64.b64encode(login.encode()).decode()
        proof = certificate(scene.root) if tls else None
        server = HttpServer(scene.bare.parent, scene.environment, asked, proof)
        scene.undo.append(server.stop)
        server.faults = [fault.again() for fault in faults]
        scene.http = server
        scheme = "https" if tls else "http"
        scene.at(url.format(port=server.port) or f"{scheme}://127.0.0.1:{server.port}/{scene.bare.name}")

    return make


def healed(scene: Scene) -> None:
    """The web server has no fault any more."""
    assert scene.http is not None
    scene.http.faults.clear()
    scene.http.credentials = ""


def by_path(scene: Scene) -> None:
    """The remote is told by its path again."""
    scene.at(str(scene.bare))


def trusted(scene: Scene) -> None:
    """The person looks at the certificate, and tells git that it is the right one."""
    scene.git(scene.clone, "config", "http.sslCAInfo", str(scene.root / "certificate.pem"))


def http_refused(scene: Scene) -> None:
    """Nobody listens there."""
    scene.at(f"http://127.0.0.1:{free_port()}/{scene.bare.name}")


# git daemon


def by_daemon(*options: str) -> Callable[[Scene], None]:
    """Behind git daemon."""

    def make(scene: Scene) -> None:
        daemon = Daemon(scene.bare.parent, scene.environment, *options)
        scene.undo.append(daemon.stop)
        scene.at(f"git://127.0.0.1:{daemon.port}/{scene.bare.name}")

    return make


def cut_daemon(*cuts: int) -> Callable[[Scene], None]:
    """Behind git daemon, and a line that breaks."""

    def make(scene: Scene) -> None:
        daemon = Daemon(scene.bare.parent, scene.environment, *ALL)
        line = Line(daemon.port)
        scene.undo.extend((daemon.stop, line.stop))
        line.cuts = [*cuts]
        scene.at(f"git://127.0.0.1:{line.port}/{scene.bare.name}")

    return make


def deaf(scene: Scene) -> None:
    """A port where a connection waits for ever to be taken."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    scene.undo.append(listener.close)
    scene.at(f"git://127.0.0.1:{listener.getsockname()[1]}/{scene.bare.name}")


def daemon_refused(scene: Scene) -> None:
    """Nobody listens there."""
    scene.at(f"git://127.0.0.1:{free_port()}/{scene.bare.name}")


def exported(scene: Scene) -> None:
    """Served to everybody now."""
    (scene.bare / "git-daemon-export-ok").touch()


ALL = ("--export-all", "--enable=receive-pack")


SITUATIONS = (
    Situation(
        name="the server does not know the key", transport=SSH, make=other_key, mend=by_ssh, change=True,
        tries=("auth",), command=FETCH, then=NOT_LANDED,
    ),
    Situation(
        name="the server's host key is unknown", transport=SSH, make=host_key(""), mend=by_ssh, change=True,
        tries=("host-key",), command=FETCH, then="never accepted unseen: " + NOT_LANDED,
    ),
    Situation(
        name="the server's host key has changed", transport=SSH, make=host_key("other"), mend=by_ssh, change=True,
        tries=("host-key",), command=FETCH, then="never accepted: " + NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="nobody listens", transport=SSH, make=ssh_to(), mend=by_ssh, change=True, tries=("network",) * 3,
        then=LATER,
    ),
    Situation(
        name="the name does not resolve", transport=SSH, make=ssh_to("remote.invalid"), mend=by_ssh, change=True,
        tries=("network",) * 3, then=LATER, is_deep=True,
    ),
    Situation(
        name="the server never says a word", transport=SSH, make=mute, mend=by_ssh, change=True, seconds=1.5,
        tries=("timeout",), lasts=True, then="git and ssh are ended at the deadline; " + LATER, is_deep=True,
    ),
    Situation(
        name="the line is reset at once, once", transport=SSH, make=breaking(0), change=True, tries=("network", ""),
        then=AGAIN, is_deep=True, mend=by_ssh,
    ),
    Situation(
        name="the line is reset in the middle of a fetch", transport=SSH, make=breaking(2600), change=True,
        tries=("network", ""), then=AGAIN, mend=by_ssh, is_deep=True,
    ),
    Situation(
        name="the line dies before the server takes the push", transport=SSH,
        make=over(by_ssh, hooked("pre-receive", once(KILL_SESSION + "exit 1"))), change=True, tries=("network", ""),
        then="not there: sent again, lands once",
    ),
    Situation(
        name="the line dies after the server took the push", transport=SSH,
        make=over(by_ssh, hooked("post-receive", once(KILL_SESSION))), change=True, tries=("",),
        then="there: it is looked for, and not sent again", is_deep=True,
    ),
    Situation(
        name="a pre-receive hook hangs", transport=SSH, make=over(by_ssh, hooked("pre-receive", "exec sleep 5")),
        mend=unhooked, change=True, seconds=2.5, tries=("timeout",), lasts=True, then=LATER, is_deep=True,
    ),
    Situation(
        name="a pre-receive hook refuses", transport=SSH,
        make=over(by_ssh, hooked("pre-receive", "echo 'no pushes on Fridays' >&2; exit 1")), mend=unhooked,
        change=True, tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="the server has no such repository", transport=SSH, make=repository_missing, mend=repository_back,
        change=True, tries=("remote-gone",), command=FETCH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="the server has no git", transport=SSH, make=no_git_there, mend=git_there, change=True,
        tries=("remote-gone",), command=FETCH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="a login is asked for (401)", transport=HTTP, make=by_http(login="ben:right"), mend=healed, change=True,
        tries=("auth",), command=FETCH, then="nobody is asked for a password: " + NOT_LANDED,
    ),
    Situation(
        name="the password in the URL is wrong (401)", transport=HTTP, change=True,
        make=by_http(login="ben:right", url=f"http://ben:{SECRET}@127.0.0.1:{{port}}/clusterconfig-fra1.git"),
        mend=healed, tries=("auth",), command=FETCH, then=NOT_LANDED + ", without the password", is_deep=True,
    ),
    Situation(
        name="a pre-receive hook refuses, with a password in the URL",
        transport=HTTP, change=True, mend=unhooked,
        make=over(
            by_http(login=f"ben:{SECRET}", url=f"http://ben:{SECRET}@127.0.0.1:{{port}}/clusterconfig-fra1.git"),
            hooked("pre-receive", "echo 'no pushes on Fridays' >&2; exit 1"),
        ),
        tries=("server-refused",), command=PUSH, then=REFUSED + ", without the password", is_deep=True,
    ),
    Situation(
        name="reading is allowed, pushing is not (403)", transport=HTTP,
        make=by_http(Fault("git-receive-pack", status=403)), mend=healed, change=True, tries=("auth",), command=PUSH,
        then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="no such repository (404)", transport=HTTP, make=by_http(Fault("info/refs", status=404)), mend=healed,
        change=True, tries=("remote-gone",), command=FETCH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="a proxy asks for a login (407)", transport=HTTP, make=by_http(Fault("info/refs", status=407)),
        mend=healed, change=True, tries=("auth",), command=FETCH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="too large for the web server (413)", transport=HTTP, make=by_http(Fault(RECEIVE, status=413)),
        mend=healed, change=True, tries=("server-refused",), command=PUSH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="too many requests (429), with Retry-After", transport=HTTP, waited=7.0, change=True,
        make=by_http(Fault("info/refs", times=2, status=429, headers={"Retry-After": "7"})),
        tries=("server-trouble", ""), then="waits as long as it was asked to, then lands",
    ),
    Situation(
        name="too many requests (429), Retry-After beyond the deadline", transport=HTTP, change=True, mend=healed,
        make=by_http(Fault("info/refs", status=429, headers={"Retry-After": "3600"})), tries=("server-trouble",),
        then="not asked again; " + LATER, is_deep=True,
    ),
    Situation(
        name="an error of the server (500), once", transport=HTTP, change=True,
        make=by_http(Fault(INFO, times=2, status=500)), tries=("server-trouble", ""), then=AGAIN, is_deep=True,
    ),
    Situation(
        name="a bad gateway (502) at the push", transport=HTTP, change=True, mend=healed,
        make=by_http(Fault(RECEIVE, status=502)), tries=("server-trouble",) * 3, then=LATER, is_deep=True,
    ),
    Situation(
        name="out of service (503), with a date to come again", transport=HTTP, change=True, mend=healed,
        make=by_http(Fault("info/refs", status=503, headers={"Retry-After": "Sat, 21 Nov 2099 00:00:00 GMT"})),
        tries=("server-trouble",), then="not asked again; " + LATER, is_deep=True,
    ),
    Situation(
        name="out of service (503) for a while", transport=HTTP, change=True,
        make=by_http(Fault("info/refs", times=4, status=503)), tries=("server-trouble", "server-trouble", ""),
        then=AGAIN, is_deep=True,
    ),
    Situation(
        name="a gateway gives up (504) on a push that is taken", transport=HTTP, change=True,
        make=by_http(Fault(RECEIVE, times=1, status=504, late=True)), tries=("",),
        then="there: it is looked for, and not sent again", is_deep=True,
    ),
    Situation(
        name="the answer is cut in the middle of a fetch", transport=HTTP, change=True,
        make=by_http(Fault(UPLOAD, times=2, cut=100)), tries=("network", ""), then=AGAIN,
    ),
    Situation(
        name="the answer to a push is cut", transport=HTTP, change=True,
        make=by_http(Fault(RECEIVE, times=1, cut=10)), tries=("",), then="there: it is looked for, and not sent again",
    ),
    Situation(
        name="no answer, ever", transport=HTTP, change=True, mend=healed, seconds=1.5,
        make=by_http(Fault("info/refs", is_mute=True)), tries=("timeout",), lasts=True,
        then="git is ended at the deadline; " + LATER, is_deep=True,
    ),
    Situation(
        name="no answer to a push", transport=HTTP, change=True, mend=healed, seconds=2.5,
        make=by_http(Fault(RECEIVE, is_mute=True)), tries=("timeout",), lasts=True,
        then="git is ended at the deadline; " + LATER, is_deep=True,
    ),
    Situation(
        name="five bytes in a second", transport=HTTP, change=True, mend=healed, seconds=1.5,
        make=by_http(Fault("info/refs", is_slow=True)), tries=("timeout",), lasts=True,
        then="git is ended at the deadline; " + LATER, is_deep=True,
    ),
    Situation(
        name="a login page in the place of git (200)", transport=HTTP, change=True, mend=healed,
        make=by_http(Fault("", status=200, headers={"Content-Type": "text/html"}, body=b"<html>Please log in</html>")),
        tries=("remote-gone",), command=FETCH, then="not taken for an empty repository: " + NOT_LANDED,
    ),
    Situation(
        name="the repository has moved (301)", transport=HTTP, change=True, tries=("",),
        make=by_http(
            Fault("/old/info", status=301, headers={"Location": "/clusterconfig-fra1.git/info/refs?service=SERVICE"}),
            url="http://127.0.0.1:{port}/old",
        ),
        then="followed; lands", is_deep=True,
    ),
    Situation(
        name="a login page somewhere else (302)", transport=HTTP, change=True, mend=healed, is_deep=True,
        make=by_http(
            Fault("info/refs", status=302, headers={"Location": "/login"}),
            Fault("/login", status=200, headers={"Content-Type": "text/html"}, body=b"<html>Please log in</html>"),
        ),
        tries=("remote-gone",), command=FETCH, then=NOT_LANDED,
    ),
    Situation(
        name="a certificate that nobody vouches for", transport=HTTP, make=by_http(tls=True), mend=trusted,
        change=True, tries=("host-key",), command=FETCH, then="never accepted unseen: " + NOT_LANDED,
    ),
    Situation(
        name="TLS is asked of a server without", transport=HTTP, mend=by_path, change=True,
        make=by_http(url="https://127.0.0.1:{port}/clusterconfig-fra1.git"), tries=("host-key",), command=FETCH,
        then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="nobody listens", transport=HTTP, make=http_refused, mend=by_path, change=True,
        tries=("network",) * 3, then=LATER, is_deep=True,
    ),
    Situation(
        name="nobody listens", transport=GIT, make=daemon_refused, mend=by_path, change=True,
        tries=("network",) * 3, then=LATER, is_deep=True,
    ),
    Situation(
        name="a connection that nobody takes", transport=GIT, make=deaf, mend=by_path, change=True, seconds=1.5,
        tries=("timeout",), lasts=True, then="git is ended at the deadline; " + LATER, is_deep=True,
    ),
    Situation(
        name="the repository is not served", transport=GIT, make=by_daemon("--enable=receive-pack"), mend=exported,
        change=True, tries=("remote-gone",), command=FETCH, then=NOT_LANDED, is_deep=True,
    ),
    Situation(
        name="pushing is not served", transport=GIT, make=by_daemon("--export-all"), mend=by_path, change=True,
        tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="the line is reset in the middle of a fetch", transport=GIT, make=cut_daemon(300, 300), change=True,
        tries=("network", ""), then=AGAIN,
    ),
    Situation(
        name="the line dies before the server takes the push", transport=GIT,
        make=over(by_daemon(*ALL), hooked("pre-receive", once("kill -9 $PPID"))), change=True, tries=("network", ""),
        then="not there: sent again, lands once", is_deep=True,
    ),
    Situation(
        name="the line dies after the server took the push", transport=GIT,
        make=over(by_daemon(*ALL), hooked("post-receive", once("kill -9 $PPID"))), change=True, tries=("",),
        then="there: it is looked for, and not sent again", is_deep=True,
    ),
)  # fmt: skip
