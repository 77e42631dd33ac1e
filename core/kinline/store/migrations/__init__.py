"""The schema's history, one file for each step, named by date and sentence."""
