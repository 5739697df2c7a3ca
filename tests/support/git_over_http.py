"""A git server over HTTP that asks for a password, with hooks that a test writes: nginx and git-http-backend."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.rig import free_ports, program, server

_SETTINGS = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_basic "git";
            auth_basic_user_file {folder}/passwords;
            fastcgi_pass unix:{folder}/fcgi.sock;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {repositories};
            fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REMOTE_USER $remote_user;
            fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class GitServer:
    """``address`` has no credentials in it; repositories are bare folders under ``repositories``."""

    address: str
    repositories: Path
    folder: Path

    def create(self, name: str) -> Path:
        """A bare repository ``name`` (as acme/shop.git) that may be pushed to."""
        path = self.repositories / name
        subprocess.run(["git", "init", "--bare", "--quiet", "-b", "main", str(path)], check=True)
        return self._writable(path)

    def serve(self, name: str, repository: Path) -> Path:
        """A bare repository of this machine as ``name``."""
        path = self.repositories / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(repository, target_is_directory=True)
        return self._writable(path)

    def _writable(self, path: Path) -> Path:
        subprocess.run(["git", "-C", str(path), "config", "http.receivepack", "true"], check=True)
        return path

    def refuse(self, name: str, script: str) -> None:
        """``script`` (sh) is the repository's pre-receive hook from now on; empty takes it away."""
        hook = self.repositories / name / "hooks" / "pre-receive"
        hook.unlink(missing_ok=True)
        if script:
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\n{script}\n")
            hook.chmod(0o755)

    def log(self) -> str:
        return (self.folder / "access.log").read_text()


@contextmanager
def git_over_http(folder: Path, user: str, password: str) -> Iterator[GitServer]:
    """Up in well under a second. Everything it keeps is in ``folder``, whose path must be short (a socket is in it)."""
    nginx, fcgiwrap, htpasswd = (str(program(name)) for name in ("nginx", "fcgiwrap", "htpasswd"))
    backend = program("git-http-backend")
    port = free_ports(1)
    repositories = folder / "repositories"
    repositories.mkdir()
    subprocess.run(
        [htpasswd, "-i", "-c", str(folder / "passwords"), user],
        input=password.encode(),
        check=True,
        capture_output=True,
    )
    (folder / "passwords").chmod(0o644)
    # nginx's workers are another user's where root starts it.
    folder.chmod(0o755)
    settings = _SETTINGS.format(folder=folder, port=port, backend=backend, repositories=repositories)
    (folder / "nginx.conf").write_text(settings if os.geteuid() else f"user root;\n{settings}")
    wrapper = [fcgiwrap, "-c", "2", "-f", "-s", f"unix:{folder}/fcgi.sock"]
    web = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with server(wrapper, ()), server(web, (port,)):
        yield GitServer(f"http://localhost:{port}", repositories, folder)
