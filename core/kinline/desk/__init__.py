"""The hub's own desk: conversations with a state, a team, an assignee and notes, over every channel."""
