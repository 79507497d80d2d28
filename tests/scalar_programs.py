"""Random programs of Values, drawn from a seed: thousands a minute, of every rule and every habit.

A program is rows of numbers and steps that make further rows of them. Rows, because what a
compiler groups is many equal operations: on numbers in order, backwards, repeated, mixed up. An
`exact` one works on small whole numbers with operations that do not round, so that every order of
adding gives the same bits, and ties are common; a `wild` one meets infinities and nan.
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

import twingrad as tg
from tests.scalar_operations import WAYS, Row, drawn_operation
from twingrad import Value

Picked = tuple[int, list[int]]
"""A row of numbers, and the places in it of those that are taken."""


class Rows(list[Row]):
    """The rows of one run of a program, and the answers it got from its numbers on the way."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows)
        self.answers: list[Any] = []

    def ask(self, answer: Any) -> Any:
        self.answers.append(answer)
        return answer

    def taken(self, picked: Picked) -> Row:
        row, at = picked
        return [self[row][i] for i in at]


class ScalarProgram:
    """A program drawn from a seed; call `on(leaves)` for the function of its inputs.

    It `forgets` where some of its numbers are constants, of which a built graph has no past.
    """

    def __init__(self, seed: int, exact: bool = False, wild: bool = False) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.exact, self.wild = exact, wild
        self.leaf_count = int(rng.integers(1, 14))
        self.frozen = rng.random(self.leaf_count) < 0.15
        self.frozen[0] = False
        self.forgets = bool(self.frozen.any())
        self.sizes: list[int] = []
        self.plain: list[bool] = []
        self.text: list[str] = []
        self.steps: list[Callable[[Rows], Row]] = []
        cuts = sorted(set(rng.integers(0, self.leaf_count, 2).tolist()) - {0})
        self.parts = [part.tolist() for part in np.split(np.arange(self.leaf_count), cuts)]
        self.shapes = [self._shape() for _ in range(rng.integers(0, 3))]
        for part in self.parts:
            self._note(len(part), False, f"leaves {part}")
        for shape in self.shapes:
            self._note(math.prod(shape), True, f"input {shape}")
        kinds = [self._map] * 9 + [self._layer] * 3 + [self._sum] * 2
        kinds += [self._chain, self._asked, self._without_gradient, self._again, self._softmax]
        kinds += [self._made, self._kept_small, self._sums_of_products]
        for k in rng.integers(len(kinds), size=rng.integers(1, 9)):
            kinds[k]()
        self.end = self._end()

    def __repr__(self) -> str:
        return "\n".join(f"[{k}] {line}" for k, line in enumerate(self.text))

    # What it is given

    def numbers(self, rng: np.random.Generator, shape: Any) -> Any:
        """Numbers for leaves or inputs."""
        if self.exact:
            return rng.integers(-3, 4, shape).astype(float)
        drawn = np.asarray(rng.uniform(-1.5, 1.5, shape))
        if self.wild:
            odd = rng.choice([0.0, math.inf, -math.inf, math.nan], shape)
            drawn = np.where(rng.random(shape) < 0.04, odd, drawn)
        return drawn

    def leaves(self, rng: np.random.Generator) -> list[Value]:
        """New leaves, some of them frozen."""
        made = [Value(x) for x in self.numbers(rng, self.leaf_count)]
        if self.wild and rng.random() < 0.2:  # and of some the square is infinite
            made[-1].data = 1e200
        for leaf, frozen in zip(made, self.frozen, strict=True):
            leaf.constant = bool(frozen)
        return made

    def inputs(self, rng: np.random.Generator) -> list[Any]:
        """New inputs: numbers, arrays, and lists of numbers."""
        drawn = [self.numbers(rng, shape) for shape in self.shapes]
        return [x.item() if not x.ndim else x.tolist() if i % 2 else x for i, x in enumerate(drawn)]

    def on(self, leaves: Sequence[Value], answers: list[Any] | None = None) -> Callable[..., Any]:
        """The program as a function of its inputs, which notes the answers that it got."""
        parts, steps, end = self.parts, self.steps, self.end

        def program(*inputs: Any) -> Any:
            rows = Rows([[leaves[i] for i in part] for part in parts])
            rows.extend(map(_listed, inputs))
            for step in steps:
                rows.append(step(rows))
            if answers is not None:
                answers[:] = rows.answers
            return end(rows)

        return program

    # Drawing

    def _shape(self) -> tuple[int, ...]:
        return tuple(self.rng.integers(1, 5, self.rng.integers(0, 3)).tolist())

    def _count(self) -> int:
        return int(self.rng.choice([1, 1, 2, 3, 4, 5, 6, 8, 9, 12, 16]))

    def _note(self, size: int, plain: bool, text: str) -> None:
        self.sizes.append(size)
        self.plain.append(plain)
        self.text.append(text)

    def _add(self, size: int, plain: bool, text: str, step: Callable[[Rows], Row]) -> None:
        self._note(size, plain, text)
        self.steps.append(step)

    def _row(self) -> int:
        """One of the latest rows, mostly."""
        first = 0 if self.rng.random() < 0.3 else max(0, len(self.sizes) - 4)
        return int(self.rng.integers(first, len(self.sizes)))

    def _pick(self, count: int, row: int | None = None, *, live: bool = False) -> Picked:
        """Some numbers of a row, in one of many orders; of one that is no input where `live`."""
        row = self._row() if row is None else row
        if live and self.plain[row]:
            row = 0
        n, order = self.sizes[row], np.arange(count)
        ways = [order % n, order % n, order[::-1] % n, order * n // count, order * 2 % n]
        ways += [np.full(count, self.rng.integers(n)), self.rng.integers(0, n, count)]
        return row, ways[self.rng.integers(len(ways))].tolist()

    def _map(self) -> None:
        """One operation on many numbers, one operand perhaps a constant."""
        name, call, arity = drawn_operation(self.rng, self.exact, self.wild)
        count = self.sizes[-1] if self.rng.random() < 0.4 else self._count()
        # Python's floats raise where IEEE has an answer, so one operand is a Value.
        picked = [self._pick(count, live=k == arity - 1) for k in range(arity)]
        fixed, some = -1, []
        if arity > 1 and self.rng.random() < 0.3:
            fixed = int(self.rng.integers(arity - 1))
            some = self.numbers(self.rng, count).tolist()
            some = some if self.rng.random() < 0.5 else some[:1] * count
        self.forgets |= name == "detach"

        def step(rows: Rows) -> Row:
            columns = [some if k == fixed else rows.taken(p) for k, p in enumerate(picked)]
            return [call(*xs) for xs in zip(*columns, strict=True)]

        self._add(count, False, f"{name} of {picked}, {fixed}: {some}", step)

    def _layer(self) -> None:
        """Neurons, each on some samples, written in one of many ways."""
        rng = self.rng
        width, neurons, samples = (int(n) for n in rng.integers(1, 7, 3))
        x = self._pick(width * samples)
        w, b = (
            self._pick(n, int(rng.integers(len(self.parts)))) for n in (width * neurons, neurons)
        )
        way, with_bias, by_neuron = WAYS[rng.integers(len(WAYS))], *(rng.random(2) < 0.6)

        def step(rows: Rows) -> Row:
            xs, ws, bs = rows.taken(x), rows.taken(w), rows.taken(b)

            def neuron(i: int, j: int) -> Any:
                sample, weights = (a[k * width : (k + 1) * width] for a, k in ((xs, i), (ws, j)))
                return way(sample, weights, bs[j] if with_bias else 0.0)

            if by_neuron:
                return [neuron(i, j) for j in range(neurons) for i in range(samples)]
            return [neuron(i, j) for i in range(samples) for j in range(neurons)]

        text = f"{samples} samples {x} x {neurons} neurons {w} + {b if with_bias else 0}"
        self._add(neurons * samples, False, f"{text}, {way.__name__}", step)

    def _sums_of_products(self) -> None:
        """Sums of products that form no matrix: any number with any other."""
        count, width = self._count(), int(self.rng.integers(2, 9))
        xs, ws = self._pick(count * width), self._pick(count * width, live=True)
        way = WAYS[self.rng.integers(len(WAYS))]

        def step(rows: Rows) -> Row:
            parts = [slice(i * width, (i + 1) * width) for i in range(count)]
            return [way(rows.taken(xs)[part], rows.taken(ws)[part], 0.0) for part in parts]

        text = f"{count} sums of {width} products of {xs} and {ws}, {way.__name__}"
        self._add(count, False, text, step)

    def _sum(self) -> None:
        picked = self._pick(self._count(), live=True)
        offset = float(self.rng.integers(-2, 3))
        ways: list[Callable[[Row], Any]] = [
            tg.sum,
            sum,
            lambda xs: reduce(add, xs) + offset + 1.0,
            lambda xs: offset + tg.sum([*xs, offset]) + xs[0],
        ]
        k = int(self.rng.integers(len(ways)))
        text = f"sum of {picked}, way {k}, {offset}"
        self._add(1, False, text, lambda rows: [ways[k](rows.taken(picked))])

    def _chain(self) -> None:
        """Many operations one upon the other, few side by side."""
        count, length = (int(n) for n in self.rng.integers([1, 12], [4, 24]))
        picked, exact = self._pick(count, live=True), self.exact

        def step(rows: Rows) -> Row:
            xs = rows.taken(picked)
            for k in range(length):
                if exact:
                    xs = [tg.clip(x - 1.0 if k % 2 else 2.0 * x, -4.0, 4.0) for x in xs]
                elif k % 5 == 4:
                    xs = [xs[-1] * 0.5 + xs[0] * x for x in xs]
                else:
                    xs = [tg.sin(x * 1.1) if k % 2 else tg.tanh(x + 0.2) for x in xs]
            return xs

        self._add(count, False, f"chain of {length} on {picked}", step)

    def _asked(self) -> None:
        """Numbers decide which way it goes."""
        count = min(self._count(), 6)
        one, other = self._pick(count), self._pick(count)
        limit = float(self.rng.integers(-2, 3)) + (0.0 if self.exact else 0.3)
        ways: list[Callable[[Rows, Any, Any], Any]] = [
            lambda rows, x, y: x if rows.ask(x > limit) else 2.0 * y,
            lambda rows, x, y: x + y if rows.ask(x <= y) else x - y,
            lambda rows, x, y: tg.where(rows.ask(limit < x), x, y),
            lambda rows, x, y: -x if rows.ask(x >= limit) else y,
            lambda rows, x, y: x * 2.0 if rows.ask(bool(x)) else y + 1.0,
        ]
        k = int(self.rng.integers(len(ways)))
        self._add(
            count,
            self.plain[one[0]] and self.plain[other[0]],
            f"asked {one}, {other}, way {k}, {limit}",
            lambda rows: [
                ways[k](rows, x, y) for x, y in zip(rows.taken(one), rows.taken(other), strict=True)
            ],
        )

    def _without_gradient(self) -> None:
        picked = self._pick(min(self._count(), 6))
        self.forgets = True

        def step(rows: Rows) -> Row:
            with tg.no_grad():
                return [tg.clip(x * 2.0 - 1.0, -2.0, 2.0) for x in rows.taken(picked)]

        plain = self.plain[picked[0]]
        self._add(len(picked[1]), plain, f"without gradient {picked}", step)

    def _again(self) -> None:
        """The same operation on the same numbers, written again and again."""
        name, call, arity = drawn_operation(self.rng, self.exact, self.wild)
        count, one, other = self._count(), self._pick(1), self._pick(1, 0)
        self.forgets |= name == "detach"

        def step(rows: Rows) -> Row:
            xs = [*rows.taken(other), *rows.taken(one)]
            return [call(*[xs[k % 2] for k in range(arity)]) for _ in range(count)]

        self._add(count, False, f"{count} times {name} of {other} and {one}", step)

    def _softmax(self) -> None:
        row = self._row()
        if not self.plain[row] and not self.exact:
            self._add(self.sizes[row], False, f"softmax {row}", lambda rows: tg.softmax(rows[row]))

    def _made(self) -> None:
        """Values made on the way, and held by nobody."""
        numbers = self.numbers(self.rng, min(self._count(), 5)).tolist()
        self._add(len(numbers), False, f"made {numbers}", lambda rows: list(map(Value, numbers)))

    def _kept_small(self) -> None:
        picked = self._pick(self.sizes[-1])
        small = (lambda x: tg.clip(x, -3.0, 3.0)) if self.exact else tg.tanh
        plain = self.plain[picked[0]]
        text = f"kept small {picked}"
        self._add(self.sizes[-1], plain, text, lambda rows: [small(x) for x in rows.taken(picked)])

    def _end(self) -> Callable[[Rows], Any]:
        """The weighted sum of most rows, and in any case of a leaf."""
        rng, exact = self.rng, self.exact
        chosen = np.flatnonzero(rng.random(len(self.sizes)) < 0.6).tolist()
        used = sorted({*chosen, len(self.sizes) - 1})
        whole = exact or rng.random() < 0.5
        weights = [
            (rng.integers(1, 4, n).astype(float) if whole else rng.uniform(0.5, 1.5, n)).tolist()
            for n in (self.sizes[k] for k in used)
        ]
        way = int(rng.integers(3))
        self.text.append(f"end {used}, way {way}")

        def end(rows: Rows) -> Any:
            terms = [rows[0][0] * 1.0]
            for k, factors in zip(used, weights, strict=True):
                row = [tg.clip(x, -64.0, 64.0) for x in rows[k]] if exact else rows[k]
                if way == 0:
                    terms += [x * factor for x, factor in zip(row, factors, strict=True)]
                else:
                    terms.append(tg.dot(row, factors) if way == 1 else sum(row) * factors[0])
            return tg.sum(terms) if way else sum(terms)

        return end


def _listed(x: Any) -> Row:
    """The numbers of an input, one after the other."""
    if isinstance(x, np.ndarray):
        return x.ravel().tolist()
    return [y for part in x for y in _listed(part)] if isinstance(x, list) else [x]
