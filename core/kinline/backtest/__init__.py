"""What a trigger would have decided over what is stored: played step by step, kept, compared and drawn."""
