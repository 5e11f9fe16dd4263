"""What is left of a page around a release and within it: flattened tables, links, scripts."""

from __future__ import annotations

import re

from .sentences import Span

_TOKEN = re.compile(r"\S+")
_OPENING = re.compile(r"(?<!\S)[|*$€£(\[–—-]*(?=\d|\|)")
_FIGURE = re.compile(r"[(\[]?[-–—+]?[$€£¥]?\(?-?\d[\d.,]*(?<![.,])[)\]]?[%x]?\)?")
_RULE = frozenset(("", "$", "%", "—", "–", "-", ")", "%)", "€", "£", "$—", "$-", "---"))
_PHONE = re.compile(r"\(\d{3}\) \d{3}[ -]\d{4}")
_SOME_FIGURES = 10  # a table has at least so many
_DENSITY = 0.45  # of its tokens are figures, or what stands between columns
_DROP = 7.0  # by so much may the score fall before the table is over: a row label of twelve words
_LABEL = 140  # code points at most before the first figure of a row
_REST = 40  # code points at most behind its last

_LINE = re.compile(r"^[^\n\S]*\S[^\n]*", re.MULTILINE)
# Unmistakable wherever they stand on a line of their own.
_ANYWHERE = re.compile(
    r"The post .{3,300} appeared first on .{2,80}"
    r"|View (?:source version|original content|the original (?:release|content))\b.{0,200}"
    r"|(?:Read|Learn|See) more ?(?:>>|»|→|…)|Skip to (?:main )?(?:content|navigation)"
    r"|(?:To )?(?:view|read) the full (?:press release|article|story),? (?:please )?(?:visit"
    r"|click)\b.{0,200}"
    r"|Share this (?:article|page|story|post|release|press release)\b.{0,60}"
    r"|(?:We|This (?:web)?site) uses? cookies\b.{0,600}"
    r"|(?:if ?\(|\(function|var |window\.|function )(?:[^{;=]*;|[^{;=]*[{=][^;]*;).*|</?(?:script"
    r"|style|div|article|main)\b.*>",
    re.IGNORECASE,
)
# So at the first or last lines of a text only.
_EDGE = re.compile(
    r"!\[[^\]\n]*\]\(\S+\)|\[!?\[?[^\]\n]{0,80}\]?(?:\(\S+\))?\]?\(\S+\)|--[A-Z][\w ]{2,30}--"
    r"|Related Links?:?(?: *https?://\S+)*|(?:Back to|Go to) (?:top|list|news\w*)"
    r"|Print(?: this)?(?: page)?"
    r"|(?:Sign up|Subscribe)(?: (?:for|to) (?:email alerts|updates|our newsletter|the newsletter))?"
    r"|To receive SMS (?:text )?(?:alerts|messages)\b.{0,160}|\[?Click (?:the )?image above\b.{0,100}",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:Home(?:page)?|Menu|Search|Log ?[Ii]n|Sign [Ii]n|Sign [Uu]p|Register|Share|Print|E-?mail"
    r"|Tweet|Facebook"
    r"|(?:X|Twitter|X \(Twitter\))|LinkedIn|Instagram|YouTube|Telegram|WhatsApp|TikTok|Discord|Reddit"
    r"|Medium"
    r"|Subscribe|RSS(?: Feeds?)?|Privacy(?: Policy)?|Terms (?:of|and) (?:Use|Service|Conditions)"
    r"|Cookie\w*(?: \w+)?"
    r"|Accept(?: All)?|Sitemap|Site Map|Contact Us|About Us|Careers|Newsroom|News|Products|Blog"
    r"|Events|FAQs?|Close"
    r"|Next|Previous|Copy Link|Back|Download(?: PDF)?|Accessibility|Investors|Cart|Help|Español|English)"
)
_SEPARATOR = re.compile(r"\s*[|•·/\n]\s*|\s{2,}")
_SOME_LINKS = 3
# The page behind a text that has no lines: what its site says to a reader who goes.
_TAIL = re.compile(r"(?:#{2,4} You are leaving\b|(?:[\])!\"|*]+ )*\bSOURCE:? [A-Z])[^\n]{2,600}\Z")
_TAIL_LENGTH = 800  # code points at most
_PAGE_HEADING = re.compile(
    r"#{1,6} (?:Multimedia|Sign up for [\w -]{3,30}|Related (?:links|articles|news)|Share this \w+)\b"
)


def tables(text: str) -> list[Span]:
    """Runs of flattened table rows: mostly figures, and what stands between columns.

    Every token adds to a score or takes from it; a table ends where the score was highest.
    """
    found: list[Span] = []
    at = 0
    while opening := _OPENING.search(text, at):
        score = best = 0.0
        count = figures = marks = 0
        peak = (0, 0, 0, 0)  # where the score was highest: end, tokens, figures, marks
        for match in _TOKEN.finditer(text, opening.start()):
            token = match[0].strip("|*\\")
            figure = _FIGURE.fullmatch(token) is not None
            mark = figure or token in _RULE
            count, figures, marks = count + 1, figures + figure, marks + mark
            score += 1 if mark else -3 if token[-1] in ".;:?!" and token[0].islower() else -0.6
            at = match.end()
            if score > best:
                best, peak = score, (at, count, figures, marks)
            elif score < max(0, best - _DROP):
                break
        end, count, figures, marks = peak
        table = figures >= _SOME_FIGURES and marks >= _DENSITY * count
        if table and not _PHONE.search(text, opening.start(), end):
            found.append(_whole(text, opening.start(), end, found[-1][1] if found else 0))
        if at >= len(text):
            break
    return found


def _whole(text: str, start: int, end: int, floor: int) -> Span:
    """A table with its first row label and what is left of its last line."""
    low = max(floor, start - _LABEL)
    for match in reversed(list(_TOKEN.finditer(text, low, start))):
        if match[0][-1] in '.!?:;”"|*' or "\n\n" in text[match.end() : start]:
            break
        if match.start() > low:
            start = match.start()
    line = text.find("\n", end, end + _REST)
    return start, line if line >= 0 and "." not in text[end:line] else end


def navigation(text: str) -> list[Span]:
    """Residue of a web page: the lines it put around the release, and its scripts."""
    lines = [(m.start(), m.end()) for m in _LINE.finditer(text)]
    kinds = [_page_line(text[start:end].strip()) for start, end in lines]
    own = {i for i, kind in enumerate(kinds) if kind == "anywhere"}
    for order in (range(len(lines)), range(len(lines) - 1, -1, -1)):
        for i in order:
            if not kinds[i]:
                break
            own.add(i)
    own |= {j for run in _link_runs(text, lines) for j in run}
    found: list[Span] = []
    for i in sorted(own):
        if found and i - 1 in own:
            found[-1] = (found[-1][0], lines[i][1])
        else:
            found.append(lines[i])
    tail = _TAIL.search(text, max(0, len(text) - _TAIL_LENGTH))
    if tail and (not found or found[-1][1] <= tail.start()):
        found.append(tail.span())
    return found if len(own) < len(lines) or tail else []


def page_headings(text: str) -> list[int]:
    """Where a page's own headings open in a text."""
    return [m.start() for m in _PAGE_HEADING.finditer(text)] if "# " in text else []


def _page_line(line: str) -> str:
    if len(line) > 4_000:
        return ""
    if _ANYWHERE.fullmatch(line):
        return "anywhere"
    return "edge" if len(line) < 400 and _EDGE.fullmatch(line) else ""


def _link_runs(text: str, lines: list[Span]) -> list[range]:
    """Lines one after the other that hold nothing but the words of menus, three at least."""
    found, first, count = [], 0, 0
    for i in range(len(lines) + 1):
        line = text[slice(*lines[i])].strip() if i < len(lines) else ""
        items = _SEPARATOR.split(line) if 0 < len(line) <= 300 else []
        if items and all(_LINK.fullmatch(item) for item in items):
            count += len(items)
            continue
        if count >= _SOME_LINKS:
            found.append(range(first, i))
        first, count = i + 1, 0
    return found
