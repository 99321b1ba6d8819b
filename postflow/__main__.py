"""The program `postflow`, also as `python -m postflow`."""

import sys


def main() -> None:
    """Run the program; also Ctrl-C while it is being loaded is no error."""
    try:
        from postflow.cli.main import main as run  # noqa: PLC0415 - takes a moment to load
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
