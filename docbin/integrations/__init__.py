"""docbin inside other programs: thin adapters, each of whose libraries is an extra (``docbin[ocrmypdf]``, ``docbin[ocrd]``).

* :mod:`docbin.integrations.ocrmypdf_plugin`: OCRmyPDF finds it by the entry point group ``ocrmypdf``.
* :mod:`docbin.integrations.ocrd_processor`: the OCR-D processor ``ocrd-docbin-binarize``.

What they share is :mod:`docbin.integrations.page_filter`: pixels in, ink or the clean grey page out, and the reasons to leave the page as it was.
"""
