"""Pages with truth become training crops: loaders, the store of decoded pages, crops and their truth (training wing; imports no torch)."""
