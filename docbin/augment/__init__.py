"""Degradations: what time, a scanner or a camera does to a page, truth kept exact (training wing; imports no torch)."""
