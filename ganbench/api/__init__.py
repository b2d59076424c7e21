"""What `import ganbench` offers to programs and notebooks, and what the command line is built on.

One module for one thing: suites, their training, results and runs, and the scores of anyone's samples. The names are
listed in `ganbench/__init__.py`, which imports them when they are first used.
"""
