"""The training doctor's page: every illness, what is said of it, a picture of it, and its cure.

docs/diagnosis.md is one program; this runs it, and writes its pictures and what it printed anew.
With --bench, which takes minutes, it also runs the doctor's test bench, and writes that table.
"""

import argparse
import re

from demos.pages import DOCS, write

PAGE = DOCS / "diagnosis.md"
TABLE = re.compile(r"(?<=```text\n)kind +runs +recognised\n.*?(?=\n```)", re.DOTALL)


def with_table(page: str, table: str) -> str:
    """The page with another table of the bench."""
    return TABLE.sub(lambda _: table, page)


def main() -> None:
    """Run the page, and the bench if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", action="store_true", help="run the bench as well; minutes")
    options = parser.parse_args()
    write(PAGE.stem)
    if options.bench:
        from tests.doctor import bench, last

        table = bench.table(bench.results(last.CASES))
        PAGE.write_text(with_table(PAGE.read_text(), table))
        print(table)


if __name__ == "__main__":
    main()
