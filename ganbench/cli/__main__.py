"""`python -m ganbench.cli`."""

from ganbench.cli import main

main()
