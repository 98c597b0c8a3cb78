"""The study: many models on the same folds, with intervals and paired tests, and the threshold from stated costs."""
