"""The tour: every lesson in turn, with one seed."""

import time

from demos import digits, expressions, moons, xor
from demos.common import arguments


def main() -> None:
    """Run the demos from the smallest expression to the largest network."""
    options = arguments(__doc__)
    started = time.perf_counter()
    for demo in (expressions, xor, moons, digits):
        print(f"\n{demo.__doc__}")
        demo.run(options.seed, options.out)
    taken = time.perf_counter() - started
    print(f"\nThe tour took {taken:.0f} s; its pictures are in {options.out.resolve()}")


if __name__ == "__main__":
    main()
