"""Finding and Diagnosis: what the doctor says, as objects to work with and as a page to read."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from .theory import KINDS

Severity = Literal["error", "warning", "note"]

_WIDTH = 92
_PAGE = "docs/diagnosis.md"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: what, where, on which numbers it rests, why, and what to do.

    `kind` is a key of the table in `nn.diagnosis.KINDS`; `remedy` says what to do and `code` is
    that as a line. An "error" keeps the model from learning, a "warning" costs much, a "note" is
    good to know. `follows` names kinds found as well that explain this one; until a page is made
    of it, the kinds that would, where they are others than usual.
    """

    kind: str
    where: str
    evidence: str
    cause: str
    remedy: str
    severity: Severity
    code: str = ""
    follows: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What is wrong, in a sentence."""
        return KINDS[self.kind].title

    @property
    def why(self) -> str:
        """The theory in two sentences, with its source."""
        return KINDS[self.kind].why

    @property
    def link(self) -> str:
        """Where the illness, a picture of it and its cure are shown."""
        return f"{_PAGE}#{self.kind}"

    def __str__(self) -> str:
        heading = f"{self.severity.upper()}: {self.kind}, {self.where}"
        lines = [*textwrap.wrap(heading, _WIDTH, subsequent_indent="    "), f"  {self.title}"]
        told = [("evidence", self.evidence), ("cause", self.cause)]
        if self.follows:
            others = " and ".join(self.follows)
            told.append(("follows", f"likely from {others}; mend that first"))
        told.append(("remedy", self.remedy))
        for name, words in told:
            lines += _entry(name, words)
        if self.code:
            lines += [f"{'':14}{line}" for line in self.code.splitlines()]
        lines += _entry("why", self.why)
        lines += _entry("more", self.link)
        return "\n".join(lines)


class Diagnosis(Sequence[Finding]):
    """Findings in the order of what to do first; falsy where nothing was found; prints as a page.

    `looked_for` are the kinds that what was given allowed to look for.
    """

    def __init__(self, findings: Sequence[Finding], looked_for: Sequence[str] = ()) -> None:
        self.findings = list(findings)
        self.looked_for = tuple(looked_for)

    @property
    def kinds(self) -> list[str]:
        """The kinds that were found, in order."""
        return [finding.kind for finding in self.findings]

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep the model from learning."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Finding]: ...
    def __getitem__(self, index: Any) -> Any:
        return self.findings[index]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        if not self.findings:
            names = ", ".join(self.looked_for)
            said = f"Nothing found; looked for: {names}."
            return "\n".join(textwrap.wrap(said, _WIDTH, break_long_words=False))
        count = len(self.findings)
        head = f"{count} finding{'s' * (count != 1)}" + ", in the order of what to do first" * (
            count > 1
        )
        pages = []
        for number, finding in enumerate(self.findings, 1):
            first, *rest = str(finding).splitlines()
            pages.append("\n".join([f"{number}. {first}", *(f" {line}" for line in rest)]))
        return "\n\n".join([head, *pages])

    def __repr__(self) -> str:
        return f"<Diagnosis: {', '.join(self.kinds) or 'nothing found'}>"


def _entry(name: str, words: str) -> list[str]:
    return textwrap.wrap(
        words,
        _WIDTH,
        initial_indent=f"  {name:10}  ",
        subsequent_indent=" " * 14,
        break_on_hyphens=False,
    )
