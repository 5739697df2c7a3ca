"""Commands of a service profile with their placeholders filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def fill(argv: Sequence[str], values: Mapping[str, str], tests: Sequence[str] = ()) -> tuple[str, ...]:
    """``argv`` with ``{name}`` replaced inside single arguments; the argument ``{tests}`` becomes one a test.

    One pass: a value that looks like a placeholder stays as it is, and so do braces that name nothing known.
    """
    known = re.compile("|".join(re.escape(f"{{{name}}}") for name in values)) if values else None
    filled: list[str] = []
    for argument in argv:
        if argument == "{tests}":
            filled.extend(tests)
        elif known:
            filled.append(known.sub(lambda match: values[match.group()[1:-1]], argument))
        else:
            filled.append(argument)
    return tuple(filled)
