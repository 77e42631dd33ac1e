"""When we work, how soon we promise to answer, and the clock that says how much of it is left."""
