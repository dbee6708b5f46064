"""Thresholding without learning: one family of methods a file; :mod:`docbin.catalogue` is the table that names them."""
