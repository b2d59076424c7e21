"""The command `ganbench`, and `python -m ganbench`."""

from ganbench.guard.interrupts import end_at_once


def main() -> None:
    """Run the command. Ctrl-C is heeded from here on, while its modules are imported."""
    end_at_once()
    from ganbench.cli import main as command

    command()


if __name__ == "__main__":
    main()
