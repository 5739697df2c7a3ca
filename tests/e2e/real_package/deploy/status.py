"""Print the SHA of the version that is live."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from releases import Releases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    live = Releases(parser.parse_args().root).live()
    print(live or "nothing is live", file=sys.stdout if live else sys.stderr)
    return 0 if live else 1


if __name__ == "__main__":
    sys.exit(main())
