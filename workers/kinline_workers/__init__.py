"""The queue's door: dramatiq wakes workers up; the job rows are the truth."""
