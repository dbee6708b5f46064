"""Pages with truth become training crops: labelled pages, degradations, rendered pages (training wing; imports no torch)."""
