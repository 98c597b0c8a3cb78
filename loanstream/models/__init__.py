"""Model bundles for whoever keeps them: what there is, how two differ, whether one is what it says."""
