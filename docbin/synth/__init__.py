"""Pictures of our own making with exact truth: pages, photographs of scenes, comics (training wing; imports no torch)."""
