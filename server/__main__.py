"""`python -m server` is the program `castwork`."""

from server.cli import main

main()
