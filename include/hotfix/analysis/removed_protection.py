"""What a change takes away that protected something: a check, a verification, a restriction.

A scanner reads one version and finds what is wrong in it; a route without a login is not wrong as such. These rules
read both versions. For Python they compare functions (``python_protection``); for every language they compare lines:
what is loosened is in an added line (``LOOSENED``), what is gone is in a removed one (``GUARDS``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hotfix.analysis import python_protection
from hotfix.analysis.changed_file import ChangedFile, Kind
from hotfix.analysis.source_kinds import is_prose
from hotfix.domain.security import Confidence, Finding, FindingMaker, Severity
from hotfix.domain.source_paths import is_test

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
_SURE, _LIKELY, _GUESS = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


@dataclass(frozen=True)
class Rule:
    """``pattern`` is searched in a line without its comment."""

    id: str
    pattern: re.Pattern[str]
    severity: Severity
    confidence: Confidence
    cwe: int
    message: str


def _rule(name: str, severity: Severity, confidence: Confidence, cwe: int, message: str, *patterns: str) -> Rule:
    return Rule(name, re.compile("|".join(f"(?:{each})" for each in patterns)), severity, confidence, cwe, message)


LOOSENED = (
    _rule(
        "tls-verification-off", _HIGH, _SURE, 295, "the certificate of the other side is not verified any more",
        r"\bverify(_ssl|_certs?)?\s*[=:]\s*False\b", r"\bssl\s*=\s*False\b", r"rejectUnauthorized\s*[:=]\s*false",
        r"NODE_TLS_REJECT_UNAUTHORIZED", r"InsecureSkipVerify\s*[:=]\s*true", r"\bVERIFY_NONE\b", r"\bCERT_NONE\b",
        r"check_hostname\s*=\s*False", r"NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER|TrustAllStrategy",
        r"_create_unverified_context", r"curl\b.*\s(-k|--insecure)\b", r"sslmode=(disable|allow)\b",
        r"strict-ssl\s*[=:]\s*false", r"sslVerify\s*[=:]?\s*false",
    ),
    _rule(
        "cors-wide-open", _HIGH, _LIKELY, 942, "pages of every origin may read the answers",
        r"Access-Control-Allow-Origin\W+\*", r"\borigins?\s*[:=(]\s*\[?\s*['\"]\*['\"]", r"\borigin\s*:\s*true\b",
        r"allow_origins\s*=\s*\[\s*['\"]\*", r"CORS_(ALLOW_ALL_ORIGINS|ORIGIN_ALLOW_ALL)\s*=\s*True",
        r"allow_origin_regex\s*=\s*r?['\"]\.\*", r"@CrossOrigin\s*(\(\s*['\"]\*|$)", r"AllowAllOrigins\s*[:=]\s*true",
        r"allowedOrigin(s|Patterns)\(\s*['\"]\*", r"addAllowedOrigin(Pattern)?\(\s*['\"]\*", r"^\s*origins\s+['\"]\*",
        r"AllowedOrigins\s*:\s*\[\]string\{\s*\"\*",
    ),
    _rule(
        "csrf-protection-off", _HIGH, _SURE, 352, "requests of other sites are not refused any more",
        r"@csrf_exempt\b", r"csrf_exempt\(", r"WTF_CSRF_ENABLED\s*[\]'\"]*\s*=\s*False", r"csrf\(\)\.disable\(\)",
        r"csrf\(\s*\w+\s*->\s*\w+\.disable\(\)", r"AbstractHttpConfigurer::disable", r"csrf\s*:\s*false",
        r"skip_(before_action|forgery_protection).*(verify_authenticity_token)?$(?<=token)",
        r"skip_before_action\s+:verify_authenticity_token", r"\bskip_forgery_protection\b",
        r"protect_from_forgery\s+.*null_session",
    ),
    _rule(
        "authentication-off", _HIGH, _SURE, 306, "it may be called without being logged in",
        r"permission_classes\s*=\s*[\[(]\s*(AllowAny\s*,?\s*)?[\])]", r"authentication_classes\s*=\s*[\[(]\s*[\])]",
        r"@permission_classes\(\s*[\[(]\s*(AllowAny\s*,?\s*)?[\])]", r"^\s*@PermitAll\b",
        r"anyRequest\(\)\.permitAll\(\)",
        r"skip_before_action\s+:(authenticate|authorize|require_login)\w*", r"\bskip_authorization_check\b",
        r"skip_load_and_authorize_resource", r"LOGIN_DISABLED\W+True",
    ),
    _rule(
        "debug-on", _HIGH, _LIKELY, 489, "debugging shows code and data to everybody",
        r"^\s*DEBUG\s*=\s*True\b", r"['\"]DEBUG['\"]\]\s*=\s*True", r"\.run\(.*\bdebug\s*=\s*True",
        r"\bapp\.debug\s*=\s*True", r"FLASK_DEBUG\s*[=:]\s*['\"]?(1|true)", r"consider_all_requests_local\s*=\s*true",
        r"gin\.SetMode\(gin\.DebugMode\)",
    ),
    _rule(
        "cookie-not-protected", _MEDIUM, _SURE, 614, "the cookie can be read by scripts or without encryption",
        r"(SESSION|CSRF)_COOKIE_(SECURE|HTTPONLY)\W+False", r"\b(http_?only|secure)\s*[:=]\s*[Ff]alse\b",
        r"\bhttpOnly\s*:\s*false", r"setHttpOnly\(false\)|setSecure\(false\)", r"HttpOnly:\s*false",
    ),
    _rule(
        "transport-security-off", _MEDIUM, _SURE, 319, "unencrypted requests are not redirected any more",
        r"SECURE_SSL_REDIRECT\s*=\s*False", r"SECURE_HSTS_SECONDS\s*=\s*0\b", r"force_ssl\s*=\s*false",
    ),
    _rule(
        "hosts-not-limited", _MEDIUM, _LIKELY, 644, "requests for every host name are answered",
        r"ALLOWED_HOSTS\s*=\s*\[\s*['\"]\*", r"config\.hosts\.clear\b",
    ),
    _rule(
        "escaping-off", _HIGH, _LIKELY, 79, "values are put into pages as they are",
        r"autoescape\s*=\s*False\b", r"\{%-?\s*autoescape\s+(off|false)", r"escapeHtml\s*[:=]\s*false",
    ),
    _rule(
        "signature-not-verified", _CRITICAL, _SURE, 347, "a token is believed without looking at its signature",
        r"['\"]?verify_signature['\"]?\s*[:=]\s*[Ff]alse", r"algorithms?\s*[:=]\s*\[?\s*['\"]none['\"]",
        r"\.decode\([^)]*\bverify\s*=\s*False", r"JWT\.decode\([^)]*,\s*(nil|false)\b",
        r"parseClaimsJwt\(|\.unsecured\(\)", r"ParseUnverified\(",
    ),
    _rule(
        "mass-assignment", _HIGH, _SURE, 915, "every field that a client sends is taken over",
        r"\bpermit!", r"params\.to_unsafe_h\b", r"^\s*fields\s*=\s*['\"]__all__['\"]",
    ),
)  # fmt: skip

GUARDS = (
    _rule(
        "authentication-removed", _HIGH, _SURE, 306, "the check who is calling is gone",
        r"@(PreAuthorize|PostAuthorize|Secured|RolesAllowed|Authenticated|UseGuards|Authorized?)\b",
        r"\bbefore_action\s+:(authenticate|authorize|require_\w*(login|user|admin))\w*",
        r"\b(authenticate_user!|load_and_authorize_resource|authorize!)",
        r"\b(require|ensure|check|verify|is)_?-?(Auth(enticated|entication|orized|orization)?|Log(ged)?[Ii]n|Login|Admin|"
        r"Session|User|Role|Permission|Token|Jwt|JWT)\b",
        r"\bpassport\.authenticate\(|\bexpressJwt\(|\bauth(Middleware|Guard|Required)\b|\bAuthMiddleware\b|"
        r"\bRequireAuth\w*|\bRequire(Role|Admin|Login|Scope)\w*|\bWithAuth\w*|\bwithAuth\w*|\bjwtMiddleware\b",
        r"\.authenticated\(\)|\.hasRole\(|\.hasAuthority\(",
    ),
    _rule(
        "csrf-protection-removed", _HIGH, _SURE, 352, "the protection from requests of other sites is gone",
        r"\bCsrfViewMiddleware\b", r"\bCSRFProtect\(", r"\bprotect_from_forgery\b", r"\b(csurf|csrfProtection|csrf)\(",
        r"\{%\s*csrf_token\s*%\}", r"\bgorilla/csrf\b|\bcsrf\.Protect\(", r"@csrf_protect\b",
    ),
    _rule(
        "security-headers-removed", _MEDIUM, _LIKELY, 693, "a protection by headers or of the transport is gone",
        r"\bhelmet\(", r"\bSecurityMiddleware\b", r"\bXFrameOptionsMiddleware\b", r"\bTalisman\(",
        r"Content-Security-Policy|Strict-Transport-Security|X-Content-Type-Options|X-Frame-Options",
        r"SECURE_SSL_REDIRECT\s*=\s*True", r"(SESSION|CSRF)_COOKIE_(SECURE|HTTPONLY)\W+True", r"force_ssl\s*=\s*true",
    ),
    _rule(
        "rate-limit-removed", _MEDIUM, _LIKELY, 770, "the limit of requests is gone",
        r"\brateLimit(er)?\(|\brate_?limit(ed)?\b\(?|\blimiter\.limit\(|@RateLimiter\b|\bthrottle_classes\b|\bthrottle\(|"
        r"rack_attack",
    ),
    _rule(
        "validation-removed", _MEDIUM, _LIKELY, 20, "a check of what comes in is gone",
        r"@Valid(ated)?\b", r"^\s*validates?\s+:\w+", r"\bescapeHtml\(|\bsanitize\w*\(|\bDOMPurify\.sanitize\(",
        r"\bvalidate\w*\(|\bisValid\w*\(", r"\bparams\.require\(", r"\bfilepath\.Clean\(|\bpath\.basename\(",
        r"\bhtml\.EscapeString\(|\bEncode\.forHtml\(|\bgetCanonicalPath\(",
    ),
    _rule(
        "constant-time-comparison-removed", _MEDIUM, _LIKELY, 208, "a secret is compared in a time that depends on it",
        r"\btimingSafeEqual\(", r"\bConstantTimeCompare\(", r"MessageDigest\.isEqual\(", r"\bsecure_compare\(",
    ),
)  # fmt: skip

_PYTHON_LINES = frozenset({"csrf-protection-removed", "security-headers-removed", "rate-limit-removed"})
_DATA_SUFFIXES = (".lock", ".svg", ".csv", ".sarif", ".ipynb", ".diff", ".patch")
_COMMENT = re.compile(r"^\s*(#|//|\*|/\*|--|<!--|;|%)")
_TRAILING_COMMENT = re.compile(r"\s(#|//)\s.*$")
_QUOTED = re.compile(r"""(["'`])(.+?)\1""")
_LOOPBACK = re.compile(r"\b(localhost|127\.0\.0\.1|\[::1\]|host\.docker\.internal)\b")


def check(files: Sequence[ChangedFile], maker: FindingMaker) -> list[Finding]:
    """Findings in the files of a change; those in tests are minor."""
    found = []
    for file in files:
        if not _is_code(file):
            continue
        for rule, line, content, what in _of(file):
            minor = is_test(file.path)
            severity = Severity.LOW if minor else rule.severity
            confidence = Confidence.LOW if minor else rule.confidence
            if rule.cwe == 295 and _LOOPBACK.search(content):
                severity, confidence = max(severity, Severity.MEDIUM, key=lambda each: each.rank), Confidence.LOW
            message = f"{rule.message}{what}"
            found.append(maker.make(rule.id, file.path, line, content, message, severity, confidence, rule.cwe))
    return found


def _is_code(file: ChangedFile) -> bool:
    version = file.after
    if version is None or version.kind is not Kind.FILE or version.binary or is_prose(file):
        return False
    return not file.path.lower().endswith(_DATA_SUFFIXES)


def _of(file: ChangedFile) -> Iterator[tuple[Rule, int, str, str]]:
    for number, line in file.added_lines:
        if code := _code(line):
            yield from ((rule, number, line, "") for rule in LOOSENED if rule.pattern.search(code))
    python = file.path.endswith((".py", ".pyw"))
    if python:
        for loss in python_protection.losses(file):
            rule = Rule(loss.rule, _ANYTHING, loss.severity, loss.confidence, loss.cwe, loss.message)
            yield rule, loss.line, loss.content, ""
    for rule in GUARDS:
        if not python or rule.id in _PYTHON_LINES:
            yield from ((rule, number, line, " (a removed line)") for number, line in _lost(file, rule))


_ANYTHING = re.compile("")


def _lost(file: ChangedFile, rule: Rule) -> Iterator[tuple[int, str]]:
    """Removed lines of a guard that has become rarer while what it guarded is still there."""
    if file.before is None or file.after is None:
        return
    before = sum(bool(rule.pattern.search(_code(line))) for _, line in file.before.pieces)
    after = sum(bool(rule.pattern.search(_code(line))) for _, line in file.after.pieces)
    lost = before - after
    remaining = {line.strip() for line in file.after.lines}
    for number, line in file.removed_lines:
        if lost > 0 and rule.pattern.search(_code(line)) and _guarded_remains(file, number, line, rule, remaining):
            lost -= 1
            yield number, line


def _guarded_remains(file: ChangedFile, number: int, line: str, rule: Rule, remaining: set[str]) -> bool:
    """Whether the new version still has what a removed guard stood on or before.

    A guard inside a longer line guarded what that line names in quotes, or the line without the guard; one that has its
    line to itself guarded the next line that is no guard.
    """
    assert file.before is not None
    assert file.after is not None
    text = file.after.text
    quoted = [match[2] for match in _QUOTED.finditer(line) if not rule.pattern.search(match[2])]
    rest = rule.pattern.sub("", _code(line)).strip()
    if quoted and re.search(r"\.\w+\(", line) and rest.count("(") > 0:
        return any(f"{quote}{name}{quote}" in text for name in quoted for quote in "\"'`")
    for following in file.before.lines[number:]:
        subject = following.strip()
        if subject and not rule.pattern.search(subject) and not subject.startswith(("@", "#", "//", "*")):
            return subject in remaining or len(subject) < 3
    return False


def _code(line: str) -> str:
    """The line without comments; empty for a comment."""
    return "" if _COMMENT.match(line) and not line.lstrip().startswith("*/") else _TRAILING_COMMENT.sub("", line)
