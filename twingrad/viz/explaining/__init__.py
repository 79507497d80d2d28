"""How a gradient came about, told path by path or step by step."""
