"""What people's words are judged to say: by a scorer at arm's length, and by our own people, who are always right."""
