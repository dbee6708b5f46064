"""The demo in the browser: see what docbin does to a page without opening a terminal.

``docbin demo`` and ``app/app.py`` (a Hugging Face Space) call :func:`docbin.demo.server.serve`. The order of the modules is the way of a click:
``request_limits`` (what may come in), ``server`` (folders, processes, limits), ``layout``, ``tabs``, ``parts``, ``choices`` and ``plot`` (what
is seen; ``page.js`` and ``page.css`` beside them), ``work``, ``views`` and ``pictures`` (what is done, in a child process of
:mod:`docbin.processes.sandbox`).

Gradio is imported inside functions only, so that a docbin without the extra ``app`` can import everything here.
"""
