"""What the runs of a suite answer, as numbers: over seeds, in pairs, against claims."""
