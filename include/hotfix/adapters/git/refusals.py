"""Why a remote refused a push, in its own words."""

from __future__ import annotations

import re

# https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches
_RULE = re.compile(r"error: (GH\d{3}): (.+)")
_DECLINED = re.compile(
    r"\(((?:pre-receive|update|proc-receive) hook declined|protected branch hook declined"
    r"|push declined due to (?:repository rule violations|email privacy restrictions)|[^)]*prohibited[^)]*"
    r"|deny updating a hidden ref|You are not allowed[^)]*)\)"
)


def why_refused(said: str) -> str:
    """What git and the remote said, as one sentence that names the rule; empty when no rule refused the push."""
    declined = _DECLINED.search(said)
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    rules = [found for line in lines if (found := _RULE.search(line))]
    if declined is None and not rules:
        return ""
    # Beside the rule itself, what it wants: GitHub lists that as "- Changes must be made through a pull request."
    wanted = [re.sub(r"^(error:|-)\s*", "", line).rstrip(".") for line in lines if line and not _RULE.search(line)]
    named = [f"{found[1]} {found[2].rstrip('.')}" for found in rules] or [declined[1] if declined else ""]
    return "; ".join([*named, *(line for line in dict.fromkeys(wanted) if re.search(r"\w", line))][:6])
