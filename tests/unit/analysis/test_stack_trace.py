"""Stack traces of any language as places in the repository."""

from __future__ import annotations

from hotfix.analysis.stack_trace import Frame, frames

FILES = {"shop/pricing.py", "shop/app.py", "pricing.py", "src/cart.ts", "vendor/lib.py"}

PYTHON = """\
Traceback (most recent call last):
  File "/srv/releases/48e8/shop/app.py", line 41, in handle
    return quote(request)
  File "/usr/lib/python3.11/json/__init__.py", line 3, in loads
  File "/srv/venv/lib/site-packages/shop/app.py", line 9, in wrapped
  File "/srv/releases/48e8/shop/pricing.py", line 12, in price
    return TIERS[quantity]
KeyError: 11
"""


def test_frames_of_the_repository_innermost_first() -> None:
    assert frames(PYTHON, FILES) == (Frame("shop/pricing.py", 12), Frame("shop/app.py", 41))


def test_the_longest_suffix_that_is_a_file_is_taken() -> None:
    assert frames('File "/a/b/shop/pricing.py", line 1', FILES) == (Frame("shop/pricing.py", 1),)
    assert frames('File "/a/b/other/pricing.py", line 1', FILES) == (Frame("pricing.py", 1),)


def test_other_languages_print_path_and_line() -> None:
    assert frames("    at total (/app/src/cart.ts:17:5)", FILES) == (Frame("src/cart.ts", 17),)
    assert frames(r'File "C:\app\shop\pricing.py", line 3', FILES) == (Frame("shop/pricing.py", 3),)


def test_a_frame_counts_once() -> None:
    assert frames(PYTHON + PYTHON, FILES) == frames(PYTHON, FILES)


def test_foreign_code_and_unknown_files_are_no_frames() -> None:
    assert frames('File "/x/node_modules/shop/app.py", line 1\nFile "/x/vendor/lib.py", line 2', FILES) == ()
    assert frames('File "/etc/passwd", line 1\nnothing.here:7', FILES) == ()
    assert frames("", FILES) == ()
    assert frames("It just broke at 12:30.", FILES) == ()
