"""The demo's tabs, a file each; ``events`` is what they share."""
