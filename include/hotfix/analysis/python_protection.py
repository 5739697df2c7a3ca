"""Which functions of a Python file lose a protection in a change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hotfix.analysis.changed_file import ChangedFile, Version
from hotfix.domain.security import Confidence, Severity

_Function = ast.FunctionDef | ast.AsyncFunctionDef

# What decorators, base classes, class attributes and injected parameters are called that keep somebody out.
_AUTHENTICATION = re.compile(
    r"(login|auth\w*|permission\w*|jwt|token|roles?|admin|staff|user|scopes?|session|mfa|otp)_?(required|protected)"
    r"|^(auth|requires?|authenticated|authorized?|protected)(_\w*(auth|login|user|admin|role|permission|scope)\w*)?$"
    r"|^(user_passes_test|staff_member_required|superuser_required|permission_classes|authentication_classes|secured"
    r"|auth_required|authenticate|authorize|check_permissions?)$"
    r"|(LoginRequired|PermissionRequired|UserPassesTest|AccessMixin|Auth\w*Mixin)"
    r"|^(get_)?(current|authenticated|active|logged_in)_(active_)?(user|admin|account)\w*$"
    r"|^(verify|require|check|ensure|validate)_(token|auth\w*|login|admin|user|jwt|role\w*|permission\w*|session|access|"
    r"api_key|signature|owner\w*)$",
)
_CSRF = re.compile(r"^(csrf_protect|requires_csrf_token|ensure_csrf_cookie)$")
_LIMIT = re.compile(r"(rate_?limit|throttle|limiter)", re.IGNORECASE)
_KINDS = (
    (
        "authentication-removed",
        _AUTHENTICATION,
        Severity.HIGH,
        Confidence.HIGH,
        306,
        "the check who is calling is gone",
    ),
    ("csrf-protection-removed", _CSRF, Severity.HIGH, Confidence.HIGH, 352, "the protection from other sites is gone"),
    ("rate-limit-removed", _LIMIT, Severity.MEDIUM, Confidence.MEDIUM, 770, "the limit of requests is gone"),
)
_AUTH_WORDS = re.compile(
    r"\b(is_(authenticated|admin|staff|superuser|owner|allowed|authorized)|has_perm\w*|has_role\w*|has_access|can_\w+|"
    r"PermissionDenied|PermissionError|Forbidden|Unauthorized|NotAuthenticated|AuthenticationFailed|403|401|permission\w*|"
    r"owner(_id)?|allowed_to)\b"
)
_CHECKING_CALL = re.compile(
    r"^_*(validate|check|verify|ensure|require|assert|authorize|authenticate|guard|refuse|reject|enforce|full_clean|"
    r"is_valid)(_|$|[A-Z])"
)
_CLEANING_CALL = re.compile(
    r"^(escape|html_escape|bleach\.clean|nh3\.clean|html\.escape|shlex\.quote|quote|secure_filename|conditional_escape|"
    r"strip_tags|re\.escape|(os\.path|ntpath|posixpath)\.(basename|realpath|abspath)|\w*sanitiz\w*|\w+\.is_relative_to)$"
)
_CONSTANT_TIME = re.compile(r"(^|\.)(compare_digest|constant_time_compare)$")


@dataclass(frozen=True)
class Loss:
    """``line`` is in the new version, ``content`` what is gone."""

    rule: str
    line: int
    content: str
    message: str
    severity: Severity
    confidence: Confidence
    cwe: int


@dataclass
class _Protection:
    """What protects one function. ``names`` are its decorators and the like, with those of its class."""

    line: int
    names: set[str] = field(default_factory=set)
    access_checks: list[str] = field(default_factory=list)
    validations: list[str] = field(default_factory=list)
    cleanings: list[str] = field(default_factory=list)
    comparisons: list[str] = field(default_factory=list)


def losses(file: ChangedFile) -> Iterator[Loss]:
    """What functions that are in both versions have lost, and not only exchanged for something of its kind.

    A version that is no Python of this interpreter is left to the scanners, which refuse it.
    """
    before, after = _protections(file.before), _protections(file.after)
    if before is None or after is None:
        return
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        for rule, pattern, severity, confidence, cwe, message in _KINDS:
            had = {each for each in old.names if pattern.search(each)}
            has = {each for each in new.names if pattern.search(each)}
            # A check inside the function instead of a decorator protects as well.
            moved_inside = rule == "authentication-removed" and len(new.access_checks) > len(old.access_checks)
            if had and not has and not moved_inside:
                lost = ", ".join(sorted(had))
                yield Loss(
                    rule, new.line, f"{name}: {lost}", f"{message}: {name} loses {lost}", severity, confidence, cwe
                )
    for rule, kind, severity, confidence, cwe, message in (
        ("access-check-removed", "access_checks", Severity.HIGH, Confidence.MEDIUM, 862,
         "a check who may do it is gone"),
        ("validation-removed", "validations", Severity.MEDIUM, Confidence.MEDIUM, 20, "a check of its input is gone"),
        ("sanitizer-removed", "cleanings", Severity.MEDIUM, Confidence.MEDIUM, 116,
         "a value is not made safe any more"),
        ("constant-time-comparison-removed", "comparisons", Severity.HIGH, Confidence.MEDIUM, 208,
         "a secret is compared in a time that depends on it"),
    ):  # fmt: skip
        yield from _fewer(before, after, rule, kind, severity, confidence, cwe, message)


def _fewer(
    before: dict[str, _Protection],
    after: dict[str, _Protection],
    rule: str,
    kind: str,
    severity: Severity,
    confidence: Confidence,
    cwe: int,
    message: str,
) -> Iterator[Loss]:
    """Functions with fewer checks of a kind, as far as the file has fewer: a check may move to another function."""
    total = sum(len(getattr(each, kind)) for each in before.values())
    total -= sum(len(getattr(each, kind)) for each in after.values())
    for name in sorted(before.keys() & after.keys()):
        had, has = getattr(before[name], kind), getattr(after[name], kind)
        if total <= 0 or len(has) >= len(had):
            continue
        if kind == "access_checks" and any(
            _AUTHENTICATION.search(new) for new in after[name].names - before[name].names
        ):
            continue
        total -= len(had) - len(has)
        gone = next((each for each in had if each not in has), had[0])
        clipped = gone if len(gone) <= 120 else f"{gone[:117]}..."
        yield Loss(
            rule, after[name].line, f"{name}: {gone}", f"{message}: {name} loses {clipped}", severity, confidence, cwe
        )


def _protections(version: Version | None) -> dict[str, _Protection] | None:
    """By qualified name; the module itself is ``<module>``."""
    if version is None:
        return None
    try:
        tree = ast.parse(version.content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: dict[str, _Protection] = {}
    _walk(tree.body, "", set(), found, 0)
    return found


def _walk(body: list[ast.stmt], prefix: str, inherited: set[str], found: dict[str, _Protection], depth: int) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef) and depth < 10:
            names = inherited | _decorators(node) | {_last(base) for base in node.bases} | _attributes(node)
            _walk(node.body, f"{prefix}{node.name}.", names, found, depth + 1)
            # A class without methods of its own is protected too.
            found.setdefault(f"{prefix}{node.name}", _Protection(node.lineno, names))
        elif isinstance(node, _Function):
            protection = _Protection(node.lineno, inherited | _decorators(node) | _injected(node))
            _look_inside(node, protection)
            found[f"{prefix}{node.name}"] = protection


def _decorators(node: ast.ClassDef | _Function) -> set[str]:
    """Names of the decorators and of what is given to them: ``method_decorator(login_required)`` is both."""
    names = set()
    for decorator in node.decorator_list:
        names.add(_last(decorator))
        if isinstance(decorator, ast.Call):
            names |= _given(decorator)
    return names


def _given(call: ast.Call) -> set[str]:
    """The names in a call's arguments, such as ``dependencies=[Depends(current_user)]``."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return {
        _last(inner) for value in values for inner in ast.walk(value) if isinstance(inner, ast.Name | ast.Attribute)
    }


def _injected(node: _Function) -> set[str]:
    """Names in ``Depends(...)`` and ``Security(...)``, as defaults or in annotations."""
    parts = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    parts += [each.annotation for each in (*node.args.args, *node.args.kwonlyargs) if each.annotation]
    calls = (inner for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Call))
    return {name for call in calls if _last(call) in ("Depends", "Security") for name in _given(call)}


def _attributes(node: ast.ClassDef) -> set[str]:
    """Non-empty class attributes that name classes: ``permission_classes = [IsAuthenticated]``."""
    names = set()
    for each in node.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.List | ast.Tuple) and each.value.elts:
            allowed = {_last(element) for element in each.value.elts}
            if allowed != {"AllowAny"}:
                names |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    return names


def _look_inside(function: _Function, into: _Protection) -> None:
    # Not the decorators, which are calls as well.
    for node in (inner for statement in function.body for inner in ast.walk(statement)):
        if isinstance(node, ast.If) and _refuses(node.body):
            text = f"if {ast.unparse(node.test)}: {ast.unparse(node.body[-1])}"
            (into.access_checks if _AUTH_WORDS.search(text) else into.validations).append(text)
        elif isinstance(node, ast.Assert):
            into.validations.append(ast.unparse(node))
        elif isinstance(node, ast.Call):
            name = _dotted(node)
            last = name.rsplit(".", 1)[-1]
            if _CONSTANT_TIME.search(name):
                into.comparisons.append(ast.unparse(node))
            elif _AUTHENTICATION.search(last) and not isinstance(node.func, ast.Call):
                into.access_checks.append(ast.unparse(node))
            elif _CHECKING_CALL.search(last):
                into.validations.append(ast.unparse(node))
            elif _CLEANING_CALL.search(name) or _CLEANING_CALL.search(last):
                into.cleanings.append(ast.unparse(node))


def _refuses(body: list[ast.stmt]) -> bool:
    """Whether a branch ends in an exception, an abort, or an answer with an error's status."""
    last = body[-1]
    if isinstance(last, ast.Raise):
        return True
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return _last(last.value) in ("abort", "exit", "deny", "forbid", "reject")
    if isinstance(last, ast.Return) and last.value is not None:
        text = ast.unparse(last.value)
        return bool(
            re.search(r"\b4\d\d\b|Forbidden|Unauthorized|BadRequest|NotAllowed|redirect\(.*login|\bFalse\b", text)
        )
    return False


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name, an attribute, or a call of one; empty for anything else."""
    if isinstance(node, ast.Call):
        return _dotted(node.func)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    return _dotted(node).rsplit(".", 1)[-1]
