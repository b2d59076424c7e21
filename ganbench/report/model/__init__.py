"""The content of a report as a document of blocks, without a format."""
