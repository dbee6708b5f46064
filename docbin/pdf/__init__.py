"""PDF documents: pages out of them, ink into them.

Reading (:mod:`docbin.pdf.read_pdf`, called through :func:`docbin.files.open_pages`), what pages are made of
(:mod:`docbin.pdf.pdf_structure`), a PDF made of ink (:mod:`docbin.pdf.write_pdf`), scans replaced
in place (:mod:`docbin.pdf.replace`), pages in layers (:mod:`docbin.pdf.layering`), lossless JBIG2 (:mod:`docbin.pdf.jbig2`).
"""
