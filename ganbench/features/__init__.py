"""Feature extractors, and the bank that computes each feature once for each set of samples."""
