"""What a report says: numbers, comparisons and claims, without any drawing."""
