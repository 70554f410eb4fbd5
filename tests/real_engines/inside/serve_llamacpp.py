"""The server of llama.cpp as the demo runs it, its model smaller: ``serve_llamacpp.py FOLDER PORT``.

Runs in the environment of the engine, which has no wattmark: that comes from the source tree.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "src"))

from wattmark.demo.engine import serve

if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), width=64, layers=2)
