"""Everything that goes out: planned, guarded at one choke point, sent once, always with an answer."""
