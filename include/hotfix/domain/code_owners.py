"""Who owns a file, by a CODEOWNERS file.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Where it may stand; the first one that is there counts.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
# GitHub ignores a larger file.
SIZE_LIMIT = 3 * 1024 * 1024
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_LOGIN = re.compile(r"@([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:/[A-Za-z0-9._-]+)?)")


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    owners: tuple[str, ...]


class CodeOwners:
    """The rules of a file. A line whose syntax GitHub does not know (``!``, ``[ ]``) is skipped, as there."""

    def __init__(self, text: str) -> None:
        self._rules = tuple(_rules(text)) if len(text.encode()) <= SIZE_LIMIT else ()

    def of(self, path: str) -> tuple[str, ...]:
        """Owners of a file: logins, or teams as organisation/team.

        The last rule that matches counts, also one that names nobody. Owners by e-mail address are left out: nobody can
        be asked for a review by it.
        """
        for rule in reversed(self._rules):
            if rule.pattern.fullmatch(path):
                return rule.owners
        return ()

    def of_all(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Owners of any of these files, each once, in the order of the paths."""
        return tuple(dict.fromkeys(owner for path in paths for owner in self.of(path)))


def _rules(text: str) -> list[_Rule]:
    rules = []
    for line in text.splitlines():
        words = _WORD.findall(_without_comment(line))
        if not words or words[0].startswith("!") or "[" in words[0]:
            continue
        owners = tuple(found[1] for word in words[1:] if (found := _LOGIN.fullmatch(word)))
        rules.append(_Rule(_pattern(words[0]), owners))
    return rules


def _without_comment(line: str) -> str:
    return re.sub(r"(?:^|(?<=\s))#.*", "", line)


def _pattern(text: str) -> re.Pattern[str]:
    """As of gitignore(5), but that ``folder/*`` means the files in the folder and not what is in its folders."""
    plain = re.sub(r"\\(.)", r"\1", text)
    body = plain.strip("/")
    anchored = "/" in plain.rstrip("/")
    made = "" if anchored else "(?:.*/)?"
    for part in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", body):
        match part:
            case "**/":
                made += "(?:.*/)?"
            case "/**":
                made += "/.*"
            case "**":
                made += ".*"
            case "*":
                made += "[^/]*"
            case "?":
                made += "[^/]"
            case _:
                made += re.escape(part)
    # A folder's name stands for everything in it.
    inside = "" if body.endswith("/*") else "/.+" if plain.endswith("/") else "(?:/.+)?"
    return re.compile(made + inside, re.DOTALL)
