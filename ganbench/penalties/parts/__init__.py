"""What several penalties share."""
