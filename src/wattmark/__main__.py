"""``python -m wattmark`` is the ``wattmark`` command."""

from wattmark.cli.main import main

if __name__ == "__main__":
    main()
