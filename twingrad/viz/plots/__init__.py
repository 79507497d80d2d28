"""Pictures of training and of what came of it, with matplotlib."""
