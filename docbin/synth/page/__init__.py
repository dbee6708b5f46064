"""Rendered document pages: print, handwriting, tables, forms, stamps on paper of every age."""
