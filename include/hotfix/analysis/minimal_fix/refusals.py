"""When a commit may not be taken back without a person saying yes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatch

from hotfix.analysis.minimal_fix.kinds import Kind, kind_of
from hotfix.domain.revert import Edit, LineEdit

_SECURITY_WORDS = re.compile(
    r"\bCVE-\d{4}-\d{4,}|\bGHSA(-[23456789cfghjmpqrvwx]{4}){3}|\bPYSEC-\d{4}-\d+|"
    r"\bsecurity (fix|issue|bug|hole|patch|release|advisor\w+|vulnerabilit\w+)|\bvulnerabilit(y|ies)\b|"
    r"\bexploit(s|able|ed)?\b|"
    r"\b(XSS|CSRF|SSRF|XXE|ReDoS|RCE)\b|\b(sql|command|header|code|template|log) injection\b|"
    r"\b(path|directory) traversal\b|\bcross[- ]site\b|\bprivilege escalation\b|\btiming attack\b|"
    r"\bdenial[- ]of[- ]service\b|\bopen redirect\b|\bsanitiz\w+|\bsanitis\w+",
    re.IGNORECASE,
)
# Lines that protect: taking them away is what an attacker hopes for.
_PROTECTION = re.compile(
    r"compare_digest|\bescape\w*\s*\(|html\.escape|markupsafe|shlex\.quote|\bquote_plus\s*\(|sanitiz|sanitis|bleach\.|"
    r"\bcsrf|\bssl\b|\btls\b|CERT_REQUIRED|check_hostname|verify\s*=\s*True|verify_(signature|token|password)|"
    r"\b(authenticat|authoris|authoriz)\w*|\bis_authenticated|login_required|permission(s)?_(required|classes)|"
    r"\bhas_perm\w*|\bhttponly\b|\bsamesite\b|secure\s*=\s*True|\bsafe_join\s*\(|\bsafe_load\s*\(|yaml\.safe|"
    r"\bhmac\b|\bbcrypt|\bargon2|hash_password|check_password|Content-Security-Policy|X-Frame-Options|is_safe_url|allowed_hosts",
    re.IGNORECASE,
)
_PROTECTION_OFF = re.compile(
    r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|autoescape\s*=\s*False|shell\s*=\s*True|"
    r"mark_safe\s*\(|\|\s*safe\b|yaml\.load\s*\(|pickle\.loads?\s*\(|\beval\s*\(|csrf_exempt|_create_unverified_context",
    re.IGNORECASE,
)
_MIGRATIONS = ("migrations/", "alembic/versions/", "db/migrate/")
_SCHEMAS = re.compile(
    r"(^|[/_.-])(schema|migrations?|structure|ddl)([/_.-].*)?\.sql$|(^|/)V\d[\w.]*__.*\.sql$", re.IGNORECASE
)


def security_fix(message: str, edits: Iterable[Edit]) -> str:
    """Why taking ``edits`` back may open a hole again, by the commit's ``message`` and the lines.

    Empty when nothing says so. A heuristic: a person decides, and it errs on the side of asking.
    """
    if found := _SECURITY_WORDS.search(message):
        return f"its message speaks of “{found.group()}”"
    for edit in edits:
        if not isinstance(edit, LineEdit) or kind_of(edit.path) is not Kind.SOURCE:
            continue
        gone, back = _code(edit.old), _code(edit.new)
        if lost := _more(_PROTECTION, gone, back):
            return f"{edit.path} would lose “{lost}”"
        if opened := _more(_PROTECTION_OFF, back, gone):
            return f"{edit.path} would get “{opened}” again"
    return ""


def migrations(paths: Iterable[str], irreversible: Iterable[str]) -> tuple[str, ...]:
    """Those of ``paths`` that change stored data's shape: the usual places, and the patterns of the service."""
    folders = [pattern for pattern in (*_MIGRATIONS, *irreversible) if pattern.endswith("/")]
    patterns = [pattern for pattern in irreversible if not pattern.endswith("/")]
    patterns += [f"{start}{folder}*" for folder in folders for start in ("", "*/")]
    return tuple(
        path
        for path in paths
        if path.rsplit("/", 1)[-1] != "__init__.py"
        and (any(fnmatch(path, pattern) for pattern in patterns) or _SCHEMAS.search(path))
    )


def too_old(culprit_at: datetime, production_at: datetime, limit_days: int) -> str:
    """Why the culprit is too old to be taken back: production was built on it for longer than ``limit_days``."""
    age = production_at - culprit_at
    if age <= timedelta(days=limit_days):
        return ""
    return f"it is {age.days} days older than production's version, the limit is {limit_days}"


def _more(pattern: re.Pattern[str], here: str, there: str) -> str:
    """The first match of ``pattern`` in ``here`` that ``there`` has less often; empty when there is none."""
    left = [match.group().lower() for match in pattern.finditer(there)]
    for match in pattern.finditer(here):
        if match.group().lower() in left:
            left.remove(match.group().lower())
        else:
            return match.group().strip()
    return ""


def _code(lines: Iterable[bytes]) -> str:
    """The lines without those that are comments only."""
    texts = (line.decode("utf-8", "replace") for line in lines)
    return "".join(text for text in texts if not text.lstrip().startswith(("#", "//", "*", "/*")))
