"""``python -m docbin.cli``"""

import sys

from docbin.cli import main

if __name__ == "__main__":
    sys.exit(main())
