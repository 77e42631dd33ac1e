"""Recording: once, for ever, in batches. Read `kinline.record.batch` first."""
