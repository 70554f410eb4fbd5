"""Request logs of many formats, read into columns: one reader per format."""
