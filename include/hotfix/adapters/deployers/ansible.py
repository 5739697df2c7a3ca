"""Deployment over ssh, to any number of hosts, by an Ansible playbook."""

from __future__ import annotations

import shlex
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from hotfix.adapters.deployers.machine_lock import held_by
from hotfix.adapters.deployers.playbook import HostState, Playbook, PlaybookFailed, SshIdentity
from hotfix.adapters.deployers.releases import REVISION
from hotfix.adapters.deployers.turns import Turns
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import AnsibleDeployerProfile
from hotfix.ports.clock import Clock

CONFIRMATIONS = 5


class NotEverywhere(Exception):
    """The hosts, or the hosts and production's address, do not agree; the text says how."""


class AnsibleDeployer:
    """The playbook changes the hosts and says what they have; ``version_url`` says what production runs.

    ``folder`` is this worker's own, for the lock. The hosts have a lock of their own against other workers.
    """

    name = "ansible"

    def __init__(
        self,
        profile: AnsibleDeployerProfile,
        identity: SshIdentity,
        folder: Path,
        version_url: str,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._folder = folder
        self._version_url = version_url
        self._clock = clock
        self._client = new_client()
        self._playbook = Playbook(profile, identity)
        self._turns = Turns(folder / "deploy.lock", clock, profile.time_limit, self._answer, self.by_hand)

    def status(self) -> DeployerStatus:
        try:
            hosts = self._playbook.run("look")
        except PlaybookFailed as error:
            return DeployerStatus(live=self._answer(), busy=held_by(self._turns.lock), problems=(str(error),))
        busy = [held_by(self._turns.lock), *(f"{name}: {host.busy}" for name, host in hosts.items() if host.busy)]
        return DeployerStatus(live=self._answer() or _current(hosts), busy="; ".join(filter(None, busy)))

    def live(self) -> Sha | None:
        if answer := self._answer():
            return answer
        try:
            return _current(self._playbook.run("look"))
        except PlaybookFailed:
            return None

    def history(self) -> tuple[Release, ...]:
        """As the first host of the inventory tells it; only what is live where no host can be asked."""
        try:
            known = next(iter(self._playbook.run("look").values())).history
        except PlaybookFailed:
            known = []
        live = self._answer()
        head = [live] if live and known[:1] != [live] else []
        return tuple(Release(version=version, deployed_at=None) for version in (*head, *known))

    def can_restore(self, version: Sha) -> bool:
        """Whether every host can be reached and has the complete release."""
        try:
            return all(version in host.releases for host in self._playbook.run("look").values())
        except PlaybookFailed:
            return False

    def deploy(self, version: Sha, source: Path) -> None:
        with self._turns.take(version, DeploymentFailed, (PlaybookFailed, NotEverywhere)):
            previous = self._answer()
            if previous == version and self._is_live(version, self._playbook.run("look")):
                return
            try:
                with _packed(source, version) as archive:
                    self._change("deploy", version, {"hotfix_archive": str(archive)})
            except (PlaybookFailed, NotEverywhere) as error:
                raise PlaybookFailed(f"{error}\n{self._taken_back(previous)}") from error

    def restore(self, version: Sha) -> None:
        with self._turns.take(version, RollbackFailed, (PlaybookFailed, NotEverywhere)):
            if self._answer() != version or not self._is_live(version, self._playbook.run("look")):
                self._change("restore", version)

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        return (
            self._playbook.by_hand(version),
            f"curl -fsS {shlex.quote(self._version_url)} | grep {version}",
        )

    def _answer(self) -> Sha | None:
        return read_version(self._client, self._version_url)

    def _is_live(self, version: Sha, hosts: dict[str, HostState]) -> bool:
        return _current(hosts) == version and all(self._answer() == version for _ in range(CONFIRMATIONS))

    def _change(self, action: str, version: Sha, values: dict[str, str] | None = None) -> None:
        hosts = self._playbook.run(
            action,
            {
                **(values or {}),
                "hotfix_version": version,
                "hotfix_identity": self._identity(),
                "hotfix_holder": f"{action} of {version}",
                "hotfix_seconds": str(self._profile.time_limit),
            },
        )
        elsewhere = [f"{name} is on {host.current}" for name, host in hosts.items() if host.current != version]
        if elsewhere:
            raise NotEverywhere(f"the playbook ended well, but {', '.join(elsewhere)}.")
        if not wait_for(self._clock, self._profile.time_limit, lambda: self._is_live(version, hosts)):
            raise NotEverywhere(
                f"every host is on {version}, but {self._version_url} does not answer {CONFIRMATIONS} times in a row "
                "with it: does that address lead to these hosts?"
            )

    def _taken_back(self, previous: Sha | None) -> str:
        """Put every host back on ``previous`` where one of them has left it; what became of that."""
        try:
            hosts = self._playbook.run("look")
            if previous is None or (_current(hosts) == previous == self._answer()):
                return "The hosts were left as they were."
            self._change("restore", previous)
        except (PlaybookFailed, NotEverywhere) as error:
            return f"Putting the hosts back to {previous} failed as well: {error}"
        return f"Every host was put back to {previous}."

    def _identity(self) -> str:
        """This worker's name in the hosts' locks: whoever holds the worker's lock may take over what carries it."""
        path = self._folder / "identity"
        if not path.exists():
            path.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        return path.read_text(encoding="ascii").strip()


def _current(hosts: dict[str, HostState]) -> Sha | None:
    """The release that all hosts' links name; None when they name different ones, or none."""
    versions = {host.current for host in hosts.values()}
    return versions.pop() if len(versions) == 1 else None


@contextmanager
def _packed(source: Path, version: Sha) -> Iterator[Path]:
    """``source`` without ``.git`` and with its REVISION, as a tar file."""
    with tempfile.TemporaryDirectory(prefix="hotfix-release-") as folder:
        archive = Path(folder) / "release.tar.gz"
        revision = tarfile.TarInfo(REVISION)
        content = f"{version}\n".encode()
        revision.size, revision.mode = len(content), 0o644
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for entry in sorted(source.iterdir()):
                if entry.name != REVISION:
                    tar.add(entry, arcname=entry.name, filter=_ours)
            tar.addfile(revision, BytesIO(content))
        yield archive


def _ours(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without git's own files, and owned by whoever unpacks it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if Path(member.name).name == ".git" else member
