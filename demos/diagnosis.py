"""The training doctor's page: every illness, what is said of it, a picture of it, and its cure.

docs/diagnosis.md is one program; this runs it, and writes its pictures and what it printed anew.
"""

from demos.pages import write

if __name__ == "__main__":
    write("diagnosis")
