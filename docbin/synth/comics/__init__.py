"""Rendered comic pages and the exact pixels of their lettering."""
