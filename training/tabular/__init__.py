"""Data sets whose columns are their own: from a file and a specification to a bundle that scores files like it."""
