"""Print the SHA of the version that is live."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from releases import Releases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    live = Releases(parser.parse_args().root).live()
    if live is None:
        sys.exit("nothing is live")
    sys.stdout.write(f"{live}\n")


if __name__ == "__main__":
    main()
