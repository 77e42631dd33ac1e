"""What a decision looks at: persons' histories, read from the store alone or many at once."""
