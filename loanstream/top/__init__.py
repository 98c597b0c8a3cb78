"""What flows now: each stage's rate, what waits for it and for how long, what was decided, what was refused."""
