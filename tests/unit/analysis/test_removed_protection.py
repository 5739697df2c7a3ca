"""What takes protection away is found; what only moves or exchanges it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.analysis.changed_file import ChangedFile, Kind, Version
from hotfix.analysis.removed_protection import GUARDS, LOOSENED, check
from hotfix.domain.security import Finding, FindingMaker, Severity


def version(text: str | None) -> Version | None:
    return None if text is None else Version(Kind.FILE, text.encode(), len(text))


def found(path: str, before: str | None, after: str | None) -> list[Finding]:
    return check([ChangedFile(path, version(before), version(after))], FindingMaker("removed-protection"))


def rules(path: str, before: str | None, after: str | None) -> set[str]:
    return {finding.rule for finding in found(path, before, after)}


VIEW = "def view(request):\n    return 1\n"


@pytest.mark.parametrize(
    "decorator",
    ["login_required", "permission_required('a')", "auth.login_required", "requires_auth", "jwt_required()",
     "user_passes_test(is_staff)", "method_decorator(login_required, name='dispatch')", "admin_required",
     "roles_required('x')", "token_required"],
)  # fmt: skip
def test_a_decorator_that_goes(decorator: str) -> None:
    assert rules("a.py", f"@{decorator}\n{VIEW}", VIEW) == {"authentication-removed"}
    assert rules("a.py", f"@{decorator}\n{VIEW}", f"@{decorator}\n@cached\n{VIEW}") == set()
    assert rules("a.py", VIEW, f"@{decorator}\n{VIEW}") == set()


def test_a_function_that_goes_takes_its_protection_along() -> None:
    assert rules("a.py", f"@login_required\n{VIEW}\n\nx = 1\n", "x = 1\n") == set()


def test_another_protection_of_the_kind_will_do() -> None:
    assert rules("a.py", f"@login_required\n{VIEW}", f"@permission_required('a')\n{VIEW}") == set()
    inside = (
        "def view(request):\n    if not request.user.is_authenticated:\n        raise PermissionDenied\n    return 1\n"
    )
    assert rules("a.py", f"@login_required\n{VIEW}", inside) == set()


def test_protection_of_the_class_protects_its_methods() -> None:
    method = "class View:\n    @login_required\n    def get(self):\n        return 1\n"
    mixin = "class View(LoginRequiredMixin):\n    def get(self):\n        return 1\n"
    bare = "class View:\n    def get(self):\n        return 1\n"
    assert rules("a.py", method, mixin) == set()
    assert rules("a.py", mixin, bare) == {"authentication-removed"}


def test_an_injected_user_that_goes() -> None:
    before = "def orders(user=Depends(current_user)):\n    return 1\n"
    assert rules("a.py", before, "def orders():\n    return 1\n") == {"authentication-removed"}


@pytest.mark.parametrize(
    ("guard", "rule"),
    [
        ("if order.owner != user:\n        raise PermissionDenied", "access-check-removed"),
        ("if not user.is_admin:\n        abort(403)", "access-check-removed"),
        ("if amount < 0:\n        raise ValueError(amount)", "validation-removed"),
        ("validate_amount(amount)", "validation-removed"),
        ("assert amount > 0", "validation-removed"),
        ("name = escape(name)", "sanitizer-removed"),
        ("name = shlex.quote(name)", "sanitizer-removed"),
        ("ok = hmac.compare_digest(a, b)", "constant-time-comparison-removed"),
    ],
)
def test_a_check_inside_a_function_that_goes(guard: str, rule: str) -> None:
    with_it, without = f"def f(a, b):\n    {guard}\n    return a\n", "def f(a, b):\n    return a\n"
    assert rules("a.py", with_it, without) == {rule}
    helper = f"def _checked(a, b):\n    {guard}\n\n\n{without}"
    assert rules("a.py", with_it, helper) == set()
    assert rules("a.py", without, with_it) == set()


LINES = [
    ("tls-verification-off", "a.js", "const agent = new https.Agent({ rejectUnauthorized: false });"),
    ("tls-verification-off", "a.go", "config := &tls.Config{InsecureSkipVerify: true}"),
    ("tls-verification-off", "a.rb", "http.verify_mode = OpenSSL::SSL::VERIFY_NONE"),
    ("tls-verification-off", "a.py", "requests.get(url, verify=False)"),
    ("tls-verification-off", "deploy.sh", "curl -s -k https://host/file"),
    ("cors-wide-open", "a.ts", "app.use(cors({ origin: '*' }));"),
    ("cors-wide-open", "a.py", "CORS_ALLOW_ALL_ORIGINS = True"),
    ("cors-wide-open", "A.java", '@CrossOrigin("*")'),
    ("cors-wide-open", "a.go", 'w.Header().Set("Access-Control-Allow-Origin", "*")'),
    ("csrf-protection-off", "A.java", "http.csrf().disable();"),
    ("csrf-protection-off", "a.rb", "skip_before_action :verify_authenticity_token"),
    ("csrf-protection-off", "a.py", "app.config['WTF_CSRF_ENABLED'] = False"),
    ("authentication-off", "a.py", "    permission_classes = [AllowAny]"),
    ("authentication-off", "a.rb", "skip_before_action :authenticate_user!"),
    ("debug-on", "settings.py", "DEBUG = True"),
    ("cookie-not-protected", "settings.py", "SESSION_COOKIE_SECURE = False"),
    ("cookie-not-protected", "a.js", "res.cookie('id', id, { httpOnly: false });"),
    ("escaping-off", "a.html", "{% autoescape off %}"),
    ("signature-not-verified", "a.py", "jwt.decode(token, options={'verify_signature': False})"),
    ("signature-not-verified", "a.go", "parser.ParseUnverified(token, claims)"),
    ("mass-assignment", "a.rb", "User.new(params[:user].permit!)"),
    ("hosts-not-limited", "settings.py", "ALLOWED_HOSTS = ['*']"),
    ("transport-security-off", "settings.py", "SECURE_SSL_REDIRECT = False"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "line"), LINES)
def test_a_line_that_loosens(rule: str, path: str, line: str) -> None:
    assert rules(path, "a\n", f"a\n{line}\n") == {rule}
    assert rules(path, f"a\n{line}\n", f"b\n{line}\n") == set(), "it was there before"
    mark = "#" if path.endswith((".py", ".rb", ".sh")) else "//"
    assert rules(path, "a\n", f"a\n{mark} {line}\n") == set(), "a comment"
    assert rules("notes.md", "a\n", f"a\n{line}\n") == set(), "prose"


def test_every_rule_of_lines_has_an_example() -> None:
    assert {rule for rule, _, _ in LINES} == {rule.id for rule in LOOSENED}
    assert len(GUARDS) > 4


@pytest.mark.parametrize(
    ("path", "guard", "guarded"),
    [
        ("A.java", '@PreAuthorize("hasRole(1)")', "public List<Refund> refunds() {"),
        ("a.rb", "before_action :authenticate_user!", "def index"),
        ("a.ts", "@UseGuards(AuthGuard)", "findAll() {"),
    ],
)
def test_a_guard_in_other_languages(path: str, guard: str, guarded: str) -> None:
    assert "authentication-removed" in rules(path, f"{guard}\n{guarded}\n", f"{guarded}\n")
    assert rules(path, f"{guard}\n{guarded}\n", "x\n") == set(), "what it guarded is gone too"


def test_a_guard_of_a_route() -> None:
    before = "router.get('/a', requireAuth, list);\n"
    assert rules("a.js", before, "router.get('/a', list);\n") == {"authentication-removed"}
    assert rules("a.js", before, "router.get('/b', other);\n") == set()
    assert rules("a.js", before, "router.get('/a', requireAdmin, list);\n") == set()


def test_in_tests_it_is_minor() -> None:
    (finding,) = found("tests/test_a.py", "", "requests.get(url, verify=False)\n")
    assert finding.severity is Severity.LOW


def test_to_loopback_it_is_no_reason_to_block() -> None:
    (finding,) = found("a.py", "", 'requests.get("https://localhost:8443", verify=False)\n')
    assert finding.severity is Severity.MEDIUM


@given(st.text(), st.text(), st.sampled_from(["a.py", "a.js", "a.rb", "Dockerfile"]))
def test_any_text_is_read(before: str, after: str, path: str) -> None:
    found(path, before, after)


@given(st.text(), st.sampled_from(["a.py", "a.js", "a.rb"]))
def test_no_change_takes_nothing_away(text: str, path: str) -> None:
    assert found(path, text, text) == []


def test_a_line_as_long_as_a_program_is_read_to_its_end() -> None:
    filler = "a(1);curl .run( " * 20_000
    assert rules("a.js", "x\n", f"{filler}const b = {{ rejectUnauthorized: false }};{filler}\n") == {
        "tls-verification-off"
    }
