"""`python -m fingerpost`."""

import sys

from fingerpost.main import main

if __name__ == "__main__":
    sys.exit(main())
