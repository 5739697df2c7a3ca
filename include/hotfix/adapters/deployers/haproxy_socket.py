"""One backend of a running haproxy, over its runtime socket.

Commands and columns: haproxy's management guide, section 9.3 ("Unix Socket commands").
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ANSWER_SECONDS = 5.0
# The admin state is a set of bits; this one is the maintenance that was ordered over the socket.
MAINTENANCE = 1
RUNNING = "2"


class HaproxyUnusable(Exception):
    """Haproxy cannot be asked, or not about this; the text says what to correct."""


@dataclass(frozen=True)
class Server:
    """A server as haproxy sees it; ``serves``: new requests may be sent to it, ``shut``: it is in maintenance."""

    address: str
    serves: bool
    shut: bool
    running: bool


@dataclass(frozen=True)
class Counts:
    """``open``: requests that it works on now; ``requests`` and ``failures``: since haproxy started."""

    open: int
    requests: int
    failures: int


class HaproxyBackend:
    """``names`` are the servers that are spoken of. Everything raises ``HaproxyUnusable``."""

    def __init__(self, path: Path, backend: str, names: Iterable[str]) -> None:
        self._path = path
        self._backend = backend
        self._names = tuple(names)

    def servers(self) -> dict[str, Server]:
        rows = {row["srv_name"]: row for row in self._table(f"show servers state {self._backend}")}
        for name in self._names:
            if name not in rows:
                raise HaproxyUnusable(
                    f"haproxy's backend {self._backend} has no server {name}, only {', '.join(rows) or 'none'}: "
                    "correct deployer.slots, or haproxy's configuration."
                )
        return {
            name: Server(
                address=f"{rows[name]['srv_addr']}:{rows[name]['srv_port']}",
                serves=rows[name]["srv_uweight"] != "0" and rows[name]["srv_admin_state"] == "0",
                shut=bool(int(rows[name]["srv_admin_state"]) & MAINTENANCE),
                running=rows[name]["srv_op_state"] == RUNNING,
            )
            for name in self._names
        }

    def counts(self, name: str) -> Counts:
        """Failures are answers from 500 on, connections that failed, and answers that broke off."""
        lines = self._ask("show stat").lstrip("# ").splitlines()
        for row in csv.DictReader(lines):
            if (row["pxname"], row["svname"]) == (self._backend, name):
                open_now, requests = int(row["scur"] or 0) + int(row["qcur"] or 0), int(row["stot"] or 0)
                return Counts(open_now, requests, sum(int(row[key] or 0) for key in ("hrsp_5xx", "econ", "eresp")))
        raise HaproxyUnusable(f"haproxy counts nothing for {self._backend}/{name}.")

    def weigh(self, name: str, weight: int) -> None:
        """0 to 256; with two servers whose weights add up to 100 it is the percentage of the requests."""
        self._do(f"set server {self._backend}/{name} weight {weight}")

    def admit(self, name: str) -> None:
        self._do(f"set server {self._backend}/{name} state ready")

    def drain(self, name: str) -> None:
        """No new requests, but for those that a cookie binds to it."""
        self._do(f"set server {self._backend}/{name} state drain")

    def shut(self, name: str) -> None:
        """No new request of any kind. Those that it works on end as they would."""
        self._do(f"set server {self._backend}/{name} state maint")

    def everything(self) -> str:
        """The state of all servers of all backends, in the form that haproxy loads when it starts."""
        return self._ask("show servers state")

    def _table(self, command: str) -> list[dict[str, str]]:
        answer = self._ask(command)
        lines = [line for line in answer.splitlines() if line.strip()]
        heads = [line for line in lines if line.startswith("# ")]
        if not heads:
            raise HaproxyUnusable(
                f"haproxy at {self._path} answers {answer.strip()!r} to {command!r}: correct deployer.backend, or "
                "haproxy's configuration."
            )
        names = heads[0][2:].split()
        return [dict(zip(names, line.split(), strict=False)) for line in lines[lines.index(heads[0]) + 1 :]]

    def _do(self, command: str) -> None:
        if answer := self._ask(command).strip():
            raise HaproxyUnusable(f"haproxy at {self._path} refuses {command!r}: {answer}")

    def _ask(self, command: str) -> str:
        answer = bytearray()
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(str(self._path))
                connection.sendall(f"{command}\n".encode())
                while chunk := connection.recv(65536):
                    answer += chunk
        except FileNotFoundError:
            raise HaproxyUnusable(
                f"there is no socket {self._path}: haproxy does not run, or deployer.socket is not what its "
                "configuration says under 'stats socket'."
            ) from None
        except PermissionError:
            raise HaproxyUnusable(
                f"this user may not use the socket {self._path}: see 'user', 'group' and 'mode' of 'stats socket'."
            ) from None
        except OSError as error:
            raise HaproxyUnusable(f"haproxy does not answer at {self._path}: {error}.") from None
        text = answer.decode("utf-8", "replace")
        if text.strip() == "Permission denied":
            raise HaproxyUnusable(f"the socket {self._path} may only be read: it needs 'level admin'.")
        return text
