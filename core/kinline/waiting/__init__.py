"""Who waits for an answer of ours, since when, where, and what ended it: one notion, from which everything else derives."""
