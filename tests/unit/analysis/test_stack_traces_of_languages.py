"""Real stack traces, stored in ``traces/``, as places in the repository: root exception first, innermost first.

They were printed by small programs under Python 3.11 (pytest) and 3.13, Node.js 20, Java 17, Kotlin 1.3, Go 1.19, Ruby
3.1, Rust 1.95 and Mono 6.8; only the folders were renamed. Forms of other versions are in
``test_documented_forms``, each as its documentation prints it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.analysis.stack_trace import frames

TRACES = Path(__file__).parent / "traces"
OTHERS = {"README.md", "docs/app.md", "lib/unrelated.py", "src/Unrelated.java", "json/__init__.py", "runtime/sema.go"}
PYTHON = {"shop/app.py", "shop/pricing.py", "shop/broken.py", "chained.py", "group.py", "stdlib.py", "syntax.py"}
PYTEST = PYTHON | {"tests/test_app.py"}
NODE = {"src/app.js", "src/pricing.js", "src/flow.js", "flow.js", "cause.js", "module.mjs"}
TYPESCRIPT = {"src/cart.ts", "src/index.ts", "dist/cart.js", "dist/index.js"}
JAVA = {"src/com/shop/App.java", "src/com/shop/Pricing.java"}
KOTLIN = {"src/Main.kt", "src/cart/Cart.kt"}
GO = {"main.go", "pricing/pricing.go"}
RUBY = {"app.rb", "lib/cart.rb"}
RUST = {"src/main.rs", "src/pricing.rs"}
MONO = {"src/Pricing.cs", "src/Program.cs"}

JAVA_FRAMES = """
    src/com/shop/Pricing.java:16 discount
    src/com/shop/Pricing.java:22 total
    src/com/shop/Pricing.java:24 total
    src/com/shop/Pricing.java:26 total
    src/com/shop/App.java:15 handle
    src/com/shop/App.java:21 main
    src/com/shop/App.java:23 main
    src/com/shop/App.java:9 close
    src/com/shop/App.java:14 handle
"""
PYTEST_FRAMES = """
    shop/pricing.py:9 discount
    shop/pricing.py:16 price
    shop/pricing.py:18 price
    shop/app.py:8 handle
    tests/test_app.py:5 test_price
    shop/pricing.py:14 price
    tests/test_app.py:9 test_positive
"""
EXPECTED = {
    # Three exceptions in a chain: each one's cause is printed above it.
    "python_chained": (
        PYTHON,
        """
        shop/pricing.py:9 discount
        shop/pricing.py:16 price
        shop/pricing.py:18 price
        shop/app.py:8 handle
        shop/app.py:13 careful
        shop/app.py:19 log_failure
        shop/app.py:15 careful
        chained.py:2 <module>
        """,
    ),
    # The group's members came before the group that was made of them.
    "python_group": (
        PYTHON,
        """
        shop/pricing.py:14 price
        shop/app.py:8 handle
        shop/app.py:26 both
        shop/pricing.py:9 discount
        shop/pricing.py:16 price
        shop/pricing.py:18 price
        shop/app.py:29 both
        group.py:2 <module>
        """,
    ),
    "python_stdlib": (PYTHON, "shop/app.py:7 handle\nstdlib.py:2 <module>"),
    "python_syntax": (PYTHON, "shop/broken.py:1\nsyntax.py:1 <module>"),
    "pytest_short": (PYTEST, PYTEST_FRAMES),
    "pytest_native": (PYTEST, PYTEST_FRAMES),
    # The long form has no line that gives place and function together.
    "pytest_long": (PYTEST, "\n".join(line.split()[0] for line in PYTEST_FRAMES.split("\n") if line.strip())),
    "pytest_line": (PYTEST, "shop/pricing.py:18\nshop/pricing.py:14"),
    "node_async": (
        NODE,
        "src/pricing.js:10 total\nsrc/pricing.js:16 load\nsrc/flow.js:6 quote\nsrc/flow.js:12 pay",
    ),
    "node_cause": (NODE, "src/pricing.js:8 total\nsrc/app.js:11 wrap\ncause.js:1\nsrc/app.js:13 wrap"),
    "node_aggregate": (NODE, "src/pricing.js:10 total\nsrc/pricing.js:16 load"),
    "node_module": (NODE, "src/pricing.js:8 total\nmodule.mjs:3"),
    "node_typescript": (TYPESCRIPT, "src/cart.ts:9 total\nsrc/index.ts:4 checkout\nsrc/index.ts:7"),
    "node_webpack": (TYPESCRIPT, "dist/cart.js:10 total\ndist/index.js:5 checkout\ndist/index.js:7\ndist/index.js:8"),
    "node_webpack_eval": (TYPESCRIPT, "dist/cart.js:10 total\ndist/index.js:5 checkout\ndist/index.js:7"),
    # Three exceptions, the root one last, and one that was suppressed.
    "java": (JAVA, JAVA_FRAMES),
    "java_module": (JAVA, JAVA_FRAMES),
    # Kotlin's style guide leaves the common package out of the folders.
    "kotlin": (KOTLIN, "src/cart/Cart.kt:5 total\nsrc/Main.kt:8 main\nsrc/Main.kt:5 checkout"),
    "go": (GO, "pricing/pricing.go:8 Total\nmain.go:12 handle\nmain.go:25 main"),
    "go_goroutine": (GO, "pricing/pricing.go:13 Price\nmain.go:21 main\nmain.go:19 main\nmain.go:23 main"),
    "go_trimpath": (GO, "pricing/pricing.go:13 Price\nmain.go:21 main\nmain.go:19 main"),
    # The cause is printed below, and with "order: :bottom" above, each line in turn.
    "ruby": (
        RUBY,
        """
        lib/cart.rb:5 fetch
        lib/cart.rb:10 total
        lib/cart.rb:9 sum
        app.rb:4 handle
        app.rb:7 <main>
        lib/cart.rb:13 total
        lib/cart.rb:8 total
        """,
    ),
    "ruby_bottom": (
        RUBY,
        """
        lib/cart.rb:5 fetch
        lib/cart.rb:10 total
        lib/cart.rb:9 sum
        app.rb:4 handle
        app.rb:7 <top (required)>
        lib/cart.rb:13 total
        lib/cart.rb:8 total
        """,
    ),
    "rust": (RUST, "src/pricing.rs:3 check\nsrc/pricing.rs:9 total\nsrc/main.rs:4 handle\nsrc/main.rs:8 main"),
    "rust_short": (RUST, "src/pricing.rs:3"),
    "mono": (
        MONO,
        """
        src/Pricing.cs:14 Discount
        src/Pricing.cs:21 Total
        src/Pricing.cs:25 Total
        src/Pricing.cs:32 TotalAsync
        src/Program.cs:7 Handle
        src/Program.cs:12 Main
        """,
    ),
    "mono_without_symbols": (MONO, "src/Pricing.cs:? Discount\nsrc/Program.cs:? Handle"),
}


def shown(trace: str, files: set[str]) -> list[str]:
    return [
        f"{frame.path}:{frame.line if frame.line_known else '?'} {frame.function}".rstrip()
        for frame in frames(trace, files | OTHERS)
    ]


def listed(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def stored(name: str) -> str:
    return (TRACES / f"{name}.txt").read_text(encoding="utf-8")


def test_every_stored_trace_is_looked_at() -> None:
    assert {path.stem for path in TRACES.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_trace(name: str) -> None:
    files, expected = EXPECTED[name]
    assert shown(stored(name), files) == listed(expected)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_repository_that_holds_the_service_in_a_folder(name: str) -> None:
    """The trace's paths are then shorter than the repository's; what is found is the same where it is one file."""
    files, expected = EXPECTED[name]
    inside = {f"services/shop/{file}" for file in files}
    found = [line.removeprefix("services/shop/") for line in shown(stored(name), inside)]
    assert found
    assert set(found) <= set(listed(expected))


DOCUMENTED = {
    "firefox": (
        "total@http://localhost:8080/src/cart.ts?t=1700000000:9:70\n"
        "async*checkout/<@http://localhost:8080/src/index.ts:4:55\n"
        "@http://localhost:8080/src/index.ts:7:1\n",
        TYPESCRIPT,
        "src/cart.ts:9 total\nsrc/index.ts:4 checkout\nsrc/index.ts:7",
    ),
    "safari": (
        "total@https://shop.example/src/cart.ts:9:70\nglobal code@https://shop.example/src/index.ts:7:1\n"
        "reduce@[native code]\n",
        TYPESCRIPT,
        "src/cart.ts:9 total\nsrc/index.ts:7",
    ),
    "webpack urls": (
        "Error: x\n"
        "    at Cart.total (webpack-internal:///(rsc)/./src/cart.ts:9:70)\n"
        "    at checkout (webpack:///./src/index.ts?1a2b:4:55)\n"
        "    at require (webpack:///webpack/bootstrap:19:1)\n"
        "    at file:///C:/app/src/index.ts:7:1\n"
        "    at emit (node:events:517:28)\n"
        "    at next (internal/process/task_queues.js:95:5)\n"
        "    at Server.emit (events.js:315:20)\n"
        "    at Layer.handle (/app/node_modules/express/src/index.ts:5:5)\n",
        TYPESCRIPT | {"events.js"},
        "src/cart.ts:9 total\nsrc/index.ts:4 checkout\nsrc/index.ts:7",
    ),
    "java with the class loader's name": (
        'Exception in thread "main" java.lang.NullPointerException\n'
        "\tat app//com.shop.Pricing$Tiers.total(Pricing.java:31)\n"
        "\tat java.base@17.0.1/java.util.ArrayList.forEach(ArrayList.java:1511)\n"
        "\tat com.shop.App.<init>(App.java:7) ~[shop.jar:1.2]\n"
        "\tat com.shop.App.main(Unknown Source)\n"
        "\t... 23 more\n",
        JAVA,
        "src/com/shop/Pricing.java:31 total\nsrc/com/shop/App.java:7 <init>",
    ),
    "kotlin coroutine": (
        "java.lang.IllegalStateException: x\n\tat com.shop.CartKt$total$2$1.invokeSuspend(Cart.kt:12)\n"
        "\tat kotlin.coroutines.jvm.internal.BaseContinuationImpl.resumeWith(ContinuationImpl.kt:33)\n",
        KOTLIN | {"src/ContinuationImpl.kt"},
        "src/cart/Cart.kt:12 total",
    ),
    "go 1.21": (
        "panic: x [recovered]\n\tpanic: x\n\ngoroutine 7 [running]:\npanic({0x4a1, 0xc0})\n"
        "\t/usr/local/go/src/runtime/panic.go:914 +0x21f\n"
        "shop/pricing.Map[...](...)\n\t/app/pricing/pricing.go:12\n"
        "created by main.main in goroutine 1\n\t/app/main.go:9 +0x1d\n"
        "github.com/x/y.Do(0x1)\n\t/go/pkg/mod/github.com/x/y@v1.2.3/main.go:5 +0x1d\n",
        GO,
        "pricing/pricing.go:12 Map\nmain.go:9 main",
    ),
    "ruby 3.4": (
        "lib/cart.rb:5:in 'Hash#fetch': key not found: 11 (KeyError)\n"
        "\tfrom lib/cart.rb:10:in 'block (2 levels) in Shop::Cart#total'\n"
        "\tfrom /usr/local/bundle/gems/rack-3.0.0/lib/cart.rb:4:in 'Rack.call'\n"
        "\tfrom <internal:kernel>:187:in 'Kernel#loop'\n",
        RUBY,
        "lib/cart.rb:5 fetch\nlib/cart.rb:10 total",
    ),
    "rust before 1.73": (
        "thread 'main' panicked at 'no tier', src/pricing.rs:3:9\n"
        "stack backtrace:\n"
        "   0: rust_begin_unwind\n             at /rustc/90c541806f23/library/std/src/lib.rs:5:5\n"
        "   1:     0x55d0c0e3 - shop::handle::h0123456789abcdef\n             at /app/src/main.rs:4:5\n"
        "   2: serde::de\n             at /home/ci/.cargo/registry/src/index.crates.io-1/serde-1.0/src/main.rs:9:1\n",
        RUST | {"src/lib.rs"},
        "src/pricing.rs:3\nsrc/main.rs:4 handle",
    ),
    ".net": (
        "Unhandled exception. System.ArgumentException: no tier (Parameter 'n')\n"
        " ---> System.Collections.Generic.KeyNotFoundException: The given key '11' was not present.\n"
        "   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)\n"
        "   at Shop.Pricing.<>c__DisplayClass1_0.<Total>b__0(Int32 n) in C:\\builds\\shop\\src\\Pricing.cs:line 21\n"
        "   --- End of inner exception stack trace ---\n"
        "   at Shop.Pricing.<TotalAsync>d__5.MoveNext() in /_/src/Pricing.cs:line 32\n"
        "--- End of stack trace from previous location ---\n"
        "   at Program.Main(String[] args)\n"
        "   at Shop.Unknown..ctor()\n",
        MONO,
        "src/Pricing.cs:21 Total\nsrc/Pricing.cs:32 TotalAsync\nsrc/Program.cs:? Main",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_forms(name: str) -> None:
    """Of versions and platforms that did not print a trace for ``traces/``; .NET stands for all but Mono."""
    trace, files, expected = DOCUMENTED[name]
    assert shown(trace, files) == listed(expected)
