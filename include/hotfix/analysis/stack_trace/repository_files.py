"""Which file of the repository a deployed path is."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from enum import Enum
from urllib.parse import unquote

# Installed packages, standard libraries and tool chains, wherever they were installed.
_FOREIGN = re.compile(
    r"(?:^|/)(?:"
    r"site-packages|dist-packages|lib/python\d[\d.]*|python[\d.]+/lib|"
    r"node_modules|bower_components|\.yarn|\.pnpm|"
    r"vendor|pkg/mod|usr/local/go|(?:lib|sdk|cellar|hostedtoolcache)/go[-/]?\d[\w.]*|lib/golang|"
    r"gems/[^/]+-\d[^/]*|lib/ruby/(?:\d[\d.]*|gems|vendor_ruby|site_ruby)|"
    r"\.cargo/(?:registry|git)|\.rustup|rustc/[0-9a-f]{6,40}|library/(?:std|core|alloc|test)/src|src/lib(?:std|core|alloc)|"
    r"\.m2|\.gradle|\.nuget"
    r")/",
    re.IGNORECASE,
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^/]*/")
# Folders that hold a deployed service and are no part of it. A file that lies right in one of them may be named by
# its base name alone.
_ROOT = re.compile(
    r"apps?|application|build|code|current|opt|project|repo|releases|src|srv|task|usr|var|work|workspace"
    r"|v?\d[\w.-]*|[0-9a-f]{7,40}|[A-Za-z]:"
)


class Agreement(Enum):
    """How much of a trace's path has to agree with a file's."""

    ALL = "the file ends with all of it"
    END = "enough of the end that it is no coincidence"
    NAME = "the base name, where no other file has it"


class RepositoryFiles:
    """``names``: the base names that will be asked for; no others are looked at."""

    def __init__(self, files: Collection[str], names: Iterable[str]) -> None:
        wanted = set(names)
        self._by_suffix: dict[str, str | None] = {}
        self._files: set[str] = set()
        for file in files:
            if file.rpartition("/")[2] not in wanted:
                continue
            self._files.add(file)
            suffix = file
            while suffix:
                # None: several files end so.
                self._by_suffix[suffix] = None if self._by_suffix.get(suffix, file) != file else file
                suffix = suffix.partition("/")[2]

    def find(self, path: str, agreement: Agreement) -> str | None:
        """The file that shares the longest end with ``path``; None when there is none, or several do.

        With ``Agreement.END`` it counts when it is the whole rest of ``path`` (``/srv/x/shop/pricing.py``:
        ``shop/pricing.py``), when ``path`` lies in a usual folder of deployments (``/app/pricing.py``:
        ``backend/pricing.py``), or when at least one folder and the base name agree.
        """
        parts = path.split("/")
        for start in range(len(parts)):
            suffix = "/".join(parts[start:])
            if suffix not in self._by_suffix:
                if agreement is Agreement.ALL:
                    return None
                continue
            if suffix in self._files:
                # Others may end so, too, but they lie in a folder that the trace does not name.
                return suffix
            enough = (
                agreement is Agreement.NAME
                or start == 0
                or len(parts) - start >= 2
                or all(_is_root(part) for part in parts[:start])
            )
            return self._by_suffix[suffix] if enough else None
        return None


def plain_path(path: str) -> str:
    """``path`` with forward slashes, without scheme, host, query and dots; "" when it is no file of a service.

    Installed packages and standard libraries give "", too.
    """
    path = path.strip().replace("\\", "/")
    if path.startswith(("<", "node:")):
        return ""
    if url := _URL.match(path):
        path = unquote(re.split(r"[?#]", path[url.end() :], maxsplit=1)[0])
    parts = [part for part in posixpath.normpath(path).split("/") if part not in ("", ".", "..")]
    # Next.js names the layer of a module in brackets: webpack-internal:///(rsc)/./src/page.tsx
    while parts and parts[0].startswith("(") and parts[0].endswith(")"):
        del parts[0]
    plain = "/".join(parts)
    return "" if _FOREIGN.search(plain) else plain


def _is_root(part: str) -> bool:
    return _ROOT.fullmatch(part) is not None
