"""What a model has learned, as a whole: which features count, which way, and where two ways of explaining disagree."""
