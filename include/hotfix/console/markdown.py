"""Markdown to HTML. The text quotes incidents, commits and test output: nothing in it may become active."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ "}
_DIFF_CLASSES = {"+": "added", "-": "removed", "@": "hunk"}


class _Renderer(RendererHTML):
    """Wide tables scroll in a box of their own, diffs are coloured, links leave the console's frame."""

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="scroll"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        lines = token.content.splitlines()
        body = Markup("\n").join(map(_diff_line, lines) if token.info.strip() == "diff" else map(escape, lines))
        return f"<pre><code>{body}</code></pre>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrSet("target", "_blank")
        tokens[idx].attrSet("rel", "noopener noreferrer nofollow")
        return self.renderToken(tokens, idx, options, env)


class _Markdown(MarkdownIt):
    """Links lead to web pages and mailboxes; one into Airflow itself could act in the reader's name."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return url.lower().startswith(("https://", "http://", "mailto:"))


# Raw HTML is escaped. Images are not loaded: they would tell a stranger who reads this, and when.
_MARKDOWN = _Markdown("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table").disable("image")


def render(text: str) -> Markup:
    """Safe HTML of a Markdown text: raw HTML escaped, no images, no links but http, https and mailto."""
    tokens = _MARKDOWN.parse(text)
    for item, _paragraph, content in zip(tokens, tokens[1:], tokens[2:], strict=False):
        first = content.children[0] if content.children else None
        if item.type == "list_item_open" and first and (box := _BOXES.get(first.content[:4])):
            item.attrSet("class", "task")
            first.content = box + first.content[4:]
    # markdown-it escapes every text that it renders.
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704


def _diff_line(line: str) -> Markup:
    shade = _DIFF_CLASSES.get(line[:1])
    return Markup('<span class="{}">{}</span>').format(shade, line) if shade else escape(line)
