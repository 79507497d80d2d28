"""Escaping: names that users chose freely, made safe for a terminal, for Markdown and for LaTeX.

A label may hold anything, a dollar sign, a bar, two lines or a novel; a formula with it must
still be one line that its reader's program can set.
"""

import re

from ..drawing.captions import printable

LONGEST_NAME = 40

_LETTERS = re.compile(r"(?P<letter>[A-Za-zα-ωΑ-Ω])_?(?P<index>\d*)")
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
        "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        strict=True,
    )
)
_IN_MATH = {
    " ": r"\ ",
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "|": r"\vert ",
    "'": r"{}^{\prime}",
    "`": r"{}^{\prime}",
    '"': r"{}^{\prime\prime}",
    "<": "< ",  # a letter right after it would look like a tag of HTML
    "−": "-",
    "…": r"\ldots ",
    "·": r"\cdot ",
    "×": r"\times ",
    **{character: f"\\{character}" for character in "#$%&_{}"},
    **{letter: rf"\{command} " for letter, command in _GREEK.items()},
}
_IN_TEXT = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"$\vert$",
    "←": r"$\leftarrow$",
    "×": r"$\times$",
    "∂": r"$\partial$",
    "…": r"\ldots{}",
    **{character: f"\\{character}" for character in "#$%&_{}"},
}
_IN_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|$~&])")


def one_line(name: str) -> str:
    """A name on one line, its middle left out if it is long.

    >>> from twingrad.viz.formulas.escape import one_line
    >>> one_line("two" + chr(10) + "lines"), len(one_line("very " * 20))
    ('two lines', 40)
    """
    line = " ".join(printable(name).split())
    if len(line) <= LONGEST_NAME:
        return line
    end = LONGEST_NAME // 2 - 1
    return f"{line[: LONGEST_NAME - end - 1]}…{line[-end:]}"


def tex_name(name: str) -> str:
    r"""A name in LaTeX's math mode: a letter as a variable, a word upright.

    >>> from twingrad.viz.formulas.escape import tex_name
    >>> print(tex_name("x1"), tex_name("α"), tex_name("100 %"))
    x_{1} \alpha \mathrm{100\ \%}
    """
    single = _LETTERS.fullmatch(name)
    if single:
        letter = single["letter"]
        letter = f"\\{_GREEK[letter]}" if letter in _GREEK else letter
        return f"{letter}_{{{single['index']}}}" if single["index"] else letter
    if re.fullmatch(r"-?\d+(\.\d+)?", name):
        return name
    upright = "".join(_IN_MATH.get(character, character) for character in name)
    return rf"\mathrm{{{upright}}}"


def markdown_text(text: str) -> str:
    """A text between others in Markdown, in a table or out of one, with nothing taken for a sign.

    >>> from twingrad.viz.formulas.escape import markdown_text
    >>> print(markdown_text("a|b_c"))
    a\\|b\\_c
    """
    return _IN_MARKDOWN.sub(r"\\\1", text)


def tex_text(text: str) -> str:
    r"""A text in LaTeX, outside math mode.

    >>> from twingrad.viz.formulas.escape import tex_text
    >>> print(tex_text("100 %, x_1"))
    100 \%, x\_1
    """
    return "".join(_IN_TEXT.get(character, character) for character in text)
