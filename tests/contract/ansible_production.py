"""A real sshd with throw-away keys, and behind it a real gunicorn that the shipped playbook deploys to."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.ansible import AnsibleDeployer
from hotfix.adapters.deployers.playbook import SshIdentity
from hotfix.domain.document import Sha
from hotfix.domain.service import AnsibleDeployerProfile
from tests.contract.haproxy_production import free_port, wait_for_port
from tests.contract.production import GUNICORN, OPTIONS, Production

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
PLAYBOOK = Path(__file__).parents[2] / "include" / "playbooks" / "deploy.yml"


class Sshd:
    """A server on a loopback port that lets in this user with one key, and whose own key is in ``known_hosts``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o700)
        self.key_file, self.known_hosts = folder / "user_key", folder / "known_hosts"
        host_key = folder / "host_key"
        for key in (self.key_file, host_key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        authorized = folder / "authorized_keys"
        authorized.write_text(self.key_file.with_suffix(".pub").read_text())
        authorized.chmod(0o600)
        self.port = free_port()
        public = host_key.with_suffix(".pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n")
        self._log = folder / "sshd.log"
        options = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": host_key,
            "AuthorizedKeysFile": authorized,
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        flags = [each for name, value in options.items() for each in ("-o", f"{name}={value}")]
        # As root it wants its folder of privilege separation, which Debian's service makes.
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        assert SSHD is not None
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", os.devnull, *flags], stderr=self._log.open("wb"))
        wait_for_port(self.port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class AnsibleProduction(Production):
    """One host, over ssh: gunicorn under the ``current`` link, which reloads on HUP."""

    deployer: AnsibleDeployer  # type: ignore[assignment]

    def __init__(self, root: Path, sources: Path, first: Sha, sshd: Sshd) -> None:
        super().__init__(root, sources, first)
        self.sshd = sshd
        self.folder = root.parent / "worker"
        self.folder.mkdir()
        self.inventory = root.parent / "inventory.json"
        self.describe_host()
        self.deployer = self.new_deployer()

    def describe_host(self, second: dict[str, object] | None = None, **changes: object) -> None:
        """Write the inventory; a ``second`` host is this machine too, with these differences."""
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.sshd.port,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.root / "tmp"),
            "service_root": str(self.root),
            "service_check": f"{GUNICORN} --check-config {' '.join(OPTIONS)}",
            "service_reload": f"kill -HUP $(cat {self.pid_file})",
            "service_url": self.url,
            **changes,
        }
        hosts = {"web": host, **({"web-2": {**host, **second}} if second else {})}
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))

    def new_deployer(self, identity: SshIdentity | None = None, **changes: object) -> AnsibleDeployer:
        if not hasattr(self, "sshd"):
            return None  # type: ignore[return-value]
        profile = {
            "kind": "ansible",
            "playbook": str(PLAYBOOK),
            "inventory": str(self.inventory),
            "known_hosts": str(self.sshd.known_hosts),
            "time_limit": 120,
            **changes,
        }
        key = SshIdentity(user=getpass.getuser(), key_file=str(self.sshd.key_file))
        return AnsibleDeployer(
            AnsibleDeployerProfile.model_validate(profile), identity or key, self.folder, self.url, SystemClock()
        )
