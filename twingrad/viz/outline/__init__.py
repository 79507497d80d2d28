"""What a graph is made of in the words of its program: names, modules, and what repeats."""
