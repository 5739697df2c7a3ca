"""The ansible deployer with the shipped playbook, over a real ssh to a real gunicorn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.ansible_production import ANSIBLE, SSHD, AnsibleProduction, Sshd
from tests.contract.deployer_contract import FIRST, DeployerContract
from tests.contract.production import GUNICORN

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and SSHD and ANSIBLE.exists() and Path(GUNICORN).exists()),
    reason="needs Linux, sshd, and ansible-core and gunicorn beside the interpreter",
)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("ssh") / "keys")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def world(tmp_path: Path, sshd: Sshd) -> Iterator[AnsibleProduction]:
    production = AnsibleProduction(tmp_path / "root", tmp_path / "sources", FIRST, sshd)
    try:
        production.start()
        yield production
    finally:
        production.stop()


class TestAnsibleDeployer(DeployerContract):
    pass
