"""The triggers and templates of this hub: saved in versions, checked with what is there, put to shadow, live or paused."""
