"""The formula of every operation and of its slopes, in text and in LaTeX."""
