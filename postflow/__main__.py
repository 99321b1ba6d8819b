"""`python -m postflow` is `postflow`."""

from postflow.cli.main import main

main()
