"""The commands, thin: what they take, what they print."""
