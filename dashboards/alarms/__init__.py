"""When to look: alarms on the warehouse as code, and the proof that they hold their level."""
