"""What logs and people do to a stack trace does not hide it, and no text whatever does harm."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.analysis.stack_trace import Frame, frames, log_text
from hotfix.analysis.stack_trace.log_text import LINE_LENGTH_READ, LINES_READ, lines_of
from hotfix.analysis.stack_trace.trace import place_of

TRACES = sorted((Path(__file__).parent / "traces").iterdir())
FILES = {
    "shop/app.py", "shop/pricing.py", "shop/broken.py", "chained.py", "group.py", "stdlib.py", "syntax.py",
    "tests/test_app.py", "src/app.js", "src/pricing.js", "src/flow.js", "cause.js", "module.mjs", "src/cart.ts",
    "src/index.ts", "dist/cart.js", "dist/index.js", "src/com/shop/App.java", "src/com/shop/Pricing.java",
    "src/Main.kt", "src/cart/Cart.kt", "main.go", "pricing/pricing.go", "app.rb", "lib/cart.rb", "src/main.rs",
    "src/pricing.rs", "src/Pricing.cs", "src/Program.cs",
}  # fmt: skip
every_trace = pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)


def each_line(prefix: str, trace: str) -> str:
    return "".join(f"{prefix}{line}\n" for line in trace.split("\n"))


def told(trace: str) -> list[tuple[str, int, str]]:
    return [(frame.path, frame.line, frame.function) for frame in frames(trace, FILES)]


WRAPPED = {
    "json": lambda trace: json.dumps({"time": "2024-01-02T03:04:05Z", "level": "error", "stack": trace}),
    "json in a log line": lambda trace: f"2024-01-02 03:04:05 [pod/web-1] {json.dumps({'error': {'stack': trace}})}\n",
    "pretty json": lambda trace: json.dumps({"context": {"a": [1, None]}, "stack": trace}, indent=2),
    "json in json": lambda trace: json.dumps({"log": json.dumps({"stack": trace}) + "\n", "stream": "stderr"}),
    "a container's log": lambda trace: "".join(
        json.dumps({"log": f"{line}\n", "stream": "stderr"}) + "\n" for line in trace.split("\n")
    ),
    "time": lambda trace: each_line("2024-01-02T03:04:05.678901Z ", trace),
    "time and level": lambda trace: each_line("2024-01-02 03:04:05,678 ERROR ", trace),
    "kubectl logs --prefix": lambda trace: each_line("[pod/web-1-5d8f/web] ", trace),
    "docker compose": lambda trace: each_line("web-1  | ", trace),
    "containerd": lambda trace: each_line("2024-01-02T03:04:05.678901234Z stderr F ", trace),
    "syslog": lambda trace: each_line("Jan  2 03:04:05 host shop[123]: ", trace),
    "heroku": lambda trace: each_line("2024-01-02T03:04:05.678901+00:00 app[web.1]: ", trace),
    "colours": lambda trace: "\n".join(f"\x1b[31m{line}\x1b[0m" for line in trace.split("\n")),
    "colours without escape": lambda trace: "\n".join(f"[1;31m{line}[0m" for line in trace.split("\n")),
    "windows line ends": lambda trace: trace.replace("\n", "\r\n"),
}


@every_trace
@pytest.mark.parametrize("wrap", WRAPPED)
def test_a_trace_in_a_log_is_the_same_trace(path: Path, wrap: str) -> None:
    trace = path.read_text(encoding="utf-8")
    assert told(trace)
    assert told(WRAPPED[wrap](trace)) == told(trace)


def test_json_that_was_cut_off() -> None:
    trace = 'Traceback (most recent call last):\n  File "/app/shop/app.py", line 3, in f\n    "x\\y"\n'
    line = json.dumps({"stack": trace + "KeyError: 1", "message": "x" * 50})[:-20]
    assert frames(line, FILES) == (Frame("shop/app.py", 3),)


def test_a_trace_on_one_line() -> None:
    script = "TypeError: x is not a function at Cart.total (/app/src/cart.ts:9:70) at async /app/src/index.ts:4:5"
    assert frames(script, FILES) == (Frame("src/cart.ts", 9), Frame("src/index.ts", 4))
    python = (
        'Traceback (most recent call last): File "/app/shop/app.py", line 3, in f File "/app/shop/pricing.py", line 4'
    )
    assert frames(python, FILES) == (Frame("shop/pricing.py", 4), Frame("shop/app.py", 3))


def test_a_windows_path_is_no_escaped_line_end() -> None:
    assert frames(r'  File "C:\new\shop\pricing.py", line 3, in price', FILES) == (Frame("shop/pricing.py", 3),)


def test_several_traces_of_one_log_the_first_one_first() -> None:
    python = 'Traceback (most recent call last):\n  File "shop/app.py", line 1, in f\nKeyError: 1\n'
    script = "Error: x\n    at f (/app/src/cart.ts:2:1)\n  [cause]: Error: y\n    at g (/app/src/index.ts:3:1)\n"
    java = "java.lang.IllegalStateException: x\n\tat com.shop.App.f(App.java:4)\n"
    expected = (
        Frame("shop/app.py", 1),
        Frame("src/index.ts", 3),
        Frame("src/cart.ts", 2),
        Frame("src/com/shop/App.java", 4),
    )
    assert frames(python + script + java, FILES) == expected


def test_a_warning_is_no_frame() -> None:
    assert frames("shop/app.py:3: DeprecationWarning: old\n", FILES) == ()


def test_two_files_that_end_alike() -> None:
    """The longest end decides; where it is the same, a wrong file would accuse the wrong commit."""
    two = {"a/shop/cart.py", "b/shop/cart.py"}
    assert frames('File "/srv/a/shop/cart.py", line 1', two) == (Frame("a/shop/cart.py", 1),)
    assert frames('File "/app/shop/cart.py", line 1', two) == ()
    assert frames("\tat com.shop.Cart.total(Cart.java:3)", {"a/com/shop/Cart.java", "b/com/shop/Cart.java"}) == ()
    assert frames("\tat com.shop.Cart.total(Cart.java:3)", {"org/other/Cart.java", "Cart.java"}) == ()


def test_a_base_name_alone_is_believed_only_where_a_service_is_deployed() -> None:
    assert frames('File "/app/cart.py", line 1', {"backend/cart.py"}) == (Frame("backend/cart.py", 1),)
    assert frames('File "/home/x/other/cart.py", line 1', {"backend/cart.py"}) == ()


texts = st.one_of(
    st.text(),
    st.text(alphabet=" \t\n\r|+-()<>[]{}\":'\\@#.,/0123456789atfrominFilelePyCausdby$"),
    st.lists(
        st.sampled_from(
            [line for path in TRACES for line in path.read_text(encoding="utf-8").split("\n")]
            + [
                "Caused by: x: y",
                "\tSuppressed: z",
                "  [cause]: Error: x",
                '{"a": "b\\n at x (a.js:1:2)"}',
                "\x00",
                "{",
                '{"',
            ]
        )
    ).map("\n".join),
)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_text_gives_only_lines_of_the_repository(text: str) -> None:
    found = frames(text, FILES)
    assert len({(frame.path, frame.line) for frame in found}) == len(found)
    assert all(frame.path in FILES and frame.line >= 1 for frame in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(TRACES), min_size=1, max_size=3), st.data())
def test_no_frame_of_a_trace_is_lost_in_another(paths: list[Path], data: st.DataObject) -> None:
    parts = [path.read_text(encoding="utf-8") for path in paths]
    together = set(frames("\n".join(parts), FILES))
    assert together >= {frame for part in parts for frame in frames(part, FILES)}


HOSTILE = [
    "a" * 1_000_000,
    "at " * 333_000,
    "a/" * 500_000,
    'File "' * 160_000,
    "a.b" * 333_000,
    "(" * 1_000_000,
    "{" * 1_000_000,
    '{"a":' * 200_000,
    "[" * 500_000 + '"',
    " " * 1_000_000 + "x",
    "\\n" * 500_000,
    "panicked at '" * 77_000,
    "a@" * 500_000,
    "Caused by: x\n" * 77_000,
    "  [cause]: x\n at f (/app/src/cart.ts:1:1)\n" * 20_000,
    "x:1:in 'y" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_a_hostile_text_is_not_read_to_its_end(text: str) -> None:
    """What is looked at is bounded in lines and in their length, and every form of a frame sees each line once."""
    lines = lines_of(text)
    assert len(lines) <= LINES_READ
    assert max(map(len, lines)) <= LINE_LENGTH_READ
    with patch("hotfix.analysis.stack_trace.trace.place_of", wraps=place_of) as looked_at:
        frames(text, FILES)
    assert looked_at.call_count == len(lines)
    assert log_text.TEXT_LENGTH_READ <= 2_000_000
