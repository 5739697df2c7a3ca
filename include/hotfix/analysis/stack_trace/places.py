"""One line of a stack trace as a place, in the form of each language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hotfix.analysis.stack_trace.repository_files import Agreement, plain_path

# The top folders of Go's standard library, which stand without GOROOT in programs built with -trimpath.
_GO_STANDARD = re.compile(
    r"(?:archive|arena|bufio|bytes|cmp|compress|container|context|crypto|database|debug|embed|encoding|"
    r"errors|expvar|flag|fmt|go|hash|html|image|index|internal|io|iter|log|maps|math|mime|net|os|path|"
    r"plugin|reflect|regexp|runtime|slices|sort|strconv|strings|sync|syscall|testing|text|time|unicode|"
    r"unique|unsafe|vendor|weak)/"
)
_PLATFORM_CLASS = re.compile(r"(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|clojure)\.")


@dataclass(frozen=True)
class Place:
    """A place as a trace names it, not yet looked up in the repository.

    ``path`` is relative with forward slashes; ``line`` is None where the trace gives only a type's name. ``last``:
    the language prints the innermost frame last; None: where the trace says so. ``names_error``: the line gives the
    error, too, so that the frames of one exception end or begin with it. ``agreement``: how much of ``path`` is known.
    """

    path: str
    line: int | None
    function: str = ""
    last: bool | None = False
    names_error: bool = False
    agreement: Agreement = Agreement.END


def place_of(line: str, before: str) -> Place | None:
    """The place that ``line`` names; ``before`` is the line above it, where Go and Rust put the function.

    The path is "" when the place is known to be no file of a service.
    """
    for form in _FORMS:
        if (place := form(line, before)) is not None:
            return place
    return None


_PYTHON = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d{1,7})(?:, in (?P<function>.+))?')


def _python(line: str, before: str) -> Place | None:
    if (match := _PYTHON.search(line)) is None:
        return None
    function = (match["function"] or "").strip()
    return Place(plain_path(match["path"]), int(match["line"]), function, last=True)


_PYTEST = re.compile(
    r"(?P<path>[^\s:][^:]*\.py):(?P<line>\d{1,7}):(?: in (?P<function>\S.*)| (?P<error>[A-Za-z_][\w.]*)(?:: .*)?)?\s*$"
)


def _pytest(line: str, before: str) -> Place | None:
    """``path:line: in function``, ``path:line: Error`` and ``path:line: `` of pytest's short and long tracebacks."""
    match = _PYTEST.match(line)
    if match is None:
        return None
    if "Warning: " in line:
        return Place("", None, last=True)
    path, number, function = plain_path(match["path"]), int(match["line"]), match["function"] or ""
    return Place(path, number, function, last=True, names_error=match["error"] is not None)


_JVM = re.compile(
    r"at (?P<function>[^\s()][^()]*)\((?P<file>[^\s():/]+\.(?:java|kts?|scala|groovy|clj)):(?P<line>\d{1,7})\)"
)


def _jvm(line: str, before: str) -> Place | None:
    """``at module/com.shop.Pricing$Inner.total(Pricing.java:31)``: the package says in which folder the file is."""
    match = _JVM.match(line.lstrip())
    if match is None:
        return None
    qualified = match["function"].rpartition("/")[2]
    if _PLATFORM_CLASS.match(qualified):
        return Place("", None)
    owner, _, method = qualified.rpartition(".")
    package, _, owner = owner.rpartition(".")
    # Kotlin's style guide leaves the packages that all files share out of the folders; Java's compiler wants them.
    agreement = Agreement.ALL if match["file"].endswith(".java") else Agreement.NAME
    folder = f"{package.replace('.', '/')}/" if package else ""
    function = _jvm_function(owner, method)
    return Place(f"{folder}{match['file']}", int(match["line"]), function, agreement=agreement)


def _jvm_function(owner: str, method: str) -> str:
    if method.startswith("lambda$"):
        return method.split("$")[1]
    if method in ("invoke", "invokeSuspend") and (parts := [p for p in owner.split("$")[1:] if p and not p.isdigit()]):
        return parts[-1]
    return re.split(r"[$-]", method)[0] or method


_DOTNET_SOURCE = re.compile(r"(?P<path>[^<>]*\.\w{1,6}):(?:line )?(?P<line>\d{1,7})\s*$")
_DOTNET_HEAD = re.compile(r"(?P<function>[^\s()]+) ?\((?!<)[^():]*\)")


def _dotnet(line: str, before: str) -> Place | None:
    r"""``at Ns.Type.Method(Int32 n) in C:\src\File.cs:line 42``, Mono's form of it, and both without a file."""
    text = line.strip()
    if not text.startswith("at ") or (head := _DOTNET_HEAD.match(text, 3)) is None:
        return None
    rest = text[head.end() :]
    name = re.sub(r"`\d+|\[[^\]]*\]", "", head["function"])
    function = _dotnet_function(name)
    if (start := rest.find(" in ")) >= 0 and (source := _DOTNET_SOURCE.match(rest, start + 4)) is not None:
        return Place(plain_path(source["path"]), int(source["line"]), function)
    if name.startswith(("System.", "Microsoft.")):
        return Place("", None)
    # Types made by the compiler (<TotalAsync>d__5, <>c) and nested ones stand in the file of the outermost.
    owner = re.split(r"[+<]", name)[0].rstrip(".")
    if owner == name:
        owner = name.replace("..", ".").rpartition(".")[0]
    elif "+" not in name and not name.startswith(f"{owner}.<"):
        owner = owner.rpartition(".")[0]
    named_type = owner.rpartition(".")[2]
    if not re.fullmatch(r"\w+", named_type) or (rest.strip() and not rest.lstrip().startswith(("[0x", "in <"))):
        return None
    return Place(f"{named_type}.cs", None, function)


def _dotnet_function(name: str) -> str:
    if inner := re.findall(r"<(\w+)>", name):
        return str(inner[-1])
    return "" if name.endswith((".ctor", ".cctor")) else name.rpartition(".")[2]


_INTERNAL_SCRIPT = re.compile(r"node:|internal/|[\w.-]+$|<")


def _script(line: str, before: str) -> Place | None:
    """V8: ``at async Cart.total [as price] (url:line:column)`` and ``at url:line:column``; Rust's backtraces, too."""
    text = line.strip().rstrip(" {,")
    if not text.startswith(("at ", "-> ")):
        return None
    text = text[3:].strip().removeprefix("async ").removeprefix("new ")
    function, where = "", text
    if text.endswith(")") and (start := text.find(" (")) >= 0:
        function, where = text[:start], text[start + 2 : -1]
        if where.startswith("eval at "):
            where = where.rpartition(", ")[2]
    position = _position(where)
    if position is None:
        return None
    path, number = position
    if path.endswith(".rs"):
        return Place(plain_path(path), number, _rust_function(before))
    if _INTERNAL_SCRIPT.match(path):
        return Place("", None)
    return Place(plain_path(path), number, _script_function(function))


def _position(text: str) -> tuple[str, int] | None:
    """Path and line of ``path:line`` or ``path:line:column``."""
    head, _, last = text.rpartition(":")
    if not _is_number(last):
        return None
    path, _, line = head.rpartition(":")
    if path and _is_number(line):
        return path, int(line)
    return (head, int(last)) if head else None


def _is_number(text: str) -> bool:
    return 0 < len(text) <= 7 and text.isascii() and text.isdigit()


def _script_function(name: str) -> str:
    # Not a function of the source: "<anonymous>", "eval", and "./src/index.js" of webpack.
    name = "" if "/" in name else name.partition(" [as ")[0].rpartition(".")[2]
    return name if re.fullmatch(r"[\w$#]+", name) and name != "eval" else ""


def _gecko(line: str, before: str) -> Place | None:
    """Firefox and Safari: ``async*total/<@url:line:column``."""
    function, at, where = line.strip().partition("@")
    if not at or "/" not in where or " " in where or (position := _position(where)) is None:
        return None
    path, number = position
    names = [name for name in re.split(r"[/<*.]|prototype", function) if re.fullmatch(r"[\w$]+", name)]
    kept = [name for name in names if name not in ("async", "promise", "callback")]
    return Place(plain_path(path), number, kept[-1] if kept and " " not in function else "")


_GO = re.compile(r"\s*(?P<path>\S[^:]*(?::[/\\][^:]*)?\.go):(?P<line>\d{1,7})(?P<offset> \+0x[0-9a-f]+)?$")


def _go(line: str, before: str) -> Place | None:
    match = _GO.match(line)
    if match is None:
        return None
    path = match["path"].replace("\\", "/")
    if match["offset"] and _GO_STANDARD.match(path):
        return Place("", None)
    return Place(plain_path(path), int(match["line"]), _go_function(before))


def _go_function(line: str) -> str:
    """``shop/pricing.(*Cart).Total(0x1, …)`` and ``created by main.main.func1 in goroutine 1``."""
    name = line.strip().removeprefix("created by ").partition(" in goroutine")[0]
    name = name.rpartition("(")[0] if name.endswith(")") else name
    if " " in name:
        return ""
    name = re.sub(r"\[[^\]]*\]", "", name.rpartition("/")[2])
    names = re.findall(r"(?:^|\.)(?:\(\*?\w+\)|(\w+))", name.replace("-fm", ""))
    kept = [part for part in names[1:] if part and not re.fullmatch(r"(?:func|gowrap)?\d+", part)]
    return str(kept[-1]) if kept else ""


_RUBY = re.compile(
    r"\s*(?:\d{1,6}: )?(?:from )?(?P<path>(?:[A-Za-z]:)?[^:\s][^:]*):(?P<line>\d{1,7}):in [`'‘](?P<function>[^'’]*)['’]"
    r"(?P<error>: )?"
)


def _ruby(line: str, before: str) -> Place | None:
    match = _RUBY.match(line)
    if match is None:
        return None
    name = re.split(r" in ", match["function"])[-1]
    names_error = match["error"] is not None and not line.lstrip().startswith("from ")
    function = re.split(r"[#.]|::", name)[-1]
    return Place(plain_path(match["path"]), int(match["line"]), function, last=None, names_error=names_error)


_RUST_PANIC = re.compile(r"panicked at (?:'.*', )?(?P<path>[^\s':][^':]*\.rs):(?P<line>\d{1,7}):\d")


def _rust(line: str, before: str) -> Place | None:
    """Old: ``panicked at 'text', src/main.rs:10:5``; since Rust 1.73: ``panicked at src/main.rs:10:5:``."""
    match = _RUST_PANIC.search(line)
    return Place(plain_path(match["path"]), int(match["line"])) if match else None


def _rust_function(before: str) -> str:
    match = re.match(r"\s*\d{1,6}: +(?:0x[0-9a-f]+ - )?(?P<name>\S.*)$", before)
    if match is None:
        return ""
    names = [
        name for name in re.findall(r"\w+|\{\{closure\}\}", match["name"]) if not re.fullmatch(r"h[0-9a-f]{16}", name)
    ]
    kept = [name for name in names if name != "{{closure}}"]
    return str(kept[-1]) if kept else ""


# The look-behind makes every token be tried once, from its beginning: without it a long token costs its square.
_ANY = re.compile(r"(?<![\w./\\@+-])(?P<path>(?:[A-Za-z]:[\\/])?[\w./\\@+-]+\.\w{1,5}):(?P<line>\d{1,7})(?!\d)")


def _any(line: str, before: str) -> Place | None:
    """``path:line``, as compilers, linters and most other languages print it."""
    if ":" not in line or (match := _ANY.search(line)) is None:
        return None
    return Place(plain_path(match["path"]), int(match["line"]))


# The narrow forms first.
_FORMS: tuple[Callable[[str, str], Place | None], ...] = (
    _python, _jvm, _ruby, _rust, _pytest, _go, _dotnet, _script, _gecko, _any,
)  # fmt: skip
