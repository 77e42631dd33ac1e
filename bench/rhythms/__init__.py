"""Who comes when: populations with known lapses, models of how long to wait, and what each finds at what price."""
