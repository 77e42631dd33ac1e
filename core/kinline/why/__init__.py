"""Why something was done, was not done or still waits: as data, and in words."""
