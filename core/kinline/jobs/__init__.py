"""Work for workers: rows that are the truth."""
