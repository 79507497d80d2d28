"""The drawing of a graph: what it shows, and who paints it: Graphviz, or we ourselves."""
