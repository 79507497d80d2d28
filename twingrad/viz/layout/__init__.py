"""Where boxes and lines go: a layered layout, which knows sizes and edges and nothing of nodes."""
