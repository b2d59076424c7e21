"""The numbers of a report: statistics over seeds, comparisons of pairs and tests of claims."""
