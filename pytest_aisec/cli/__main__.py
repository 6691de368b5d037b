"""`python -m pytest_aisec.cli`."""

from pytest_aisec.cli import main

main(prog_name="aisec")
