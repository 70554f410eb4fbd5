"""Side-by-side measurements of wattmark and its peers. `run.py` is the one command; see `README.md`."""
