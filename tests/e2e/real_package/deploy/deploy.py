"""Install a checkout in a virtualenv of its own and make it the live one; safe to repeat."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from releases import Refused, Releases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True, help="a checkout of the version")
    parser.add_argument("--version", required=True, help="its full SHA")
    wanted = parser.parse_args()
    releases = Releases(wanted.root)
    try:
        with releases.locked():
            releases.install(wanted.version, wanted.source)
            releases.switch(wanted.version)
    except Refused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
