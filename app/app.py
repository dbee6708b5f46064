"""docbin's demo as a program of its own: what a Hugging Face Space starts. On your own machine ``docbin demo`` does the same."""

import logging
import os

from docbin.demo.server import serve

if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("docbin.demo").setLevel(logging.INFO)
    name = os.environ.get("SPACE_HOST")  # set in a Space alone, whose page is shown inside the Hub's
    serve(
        "0.0.0.0",
        int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
        names=[name] if name else [],
        frames=["https://huggingface.co", "https://*.hf.space"] if name else [],
    )
