"""Dead letters: look at them, send them back, remember what was sent back."""
