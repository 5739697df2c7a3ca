"""Pictures of messages for the documentation: HTML, drawn by Chromium."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
# What the sample hotfix of the pictures changes.
DIFF = """\
--- a/shop/pricing.py
+++ b/shop/pricing.py
@@ -7,4 +7,4 @@ def discount(quantity):
-    return max((TIERS[quantity] for tier in TIERS if quantity >= tier), default=0)
+    return max((TIERS[tier] for tier in TIERS if quantity >= tier), default=0)
"""


def draw(name: str, page: str, folder: Path, width: int, height: int) -> None:
    """Draw ``page`` as ``docs/images/<name>.png``, in pixels; ``folder`` is for what comes up on the way."""
    source = folder / f"{name}.html"
    source.write_text(page, encoding="utf-8")
    target = IMAGES / f"{name}.png"
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}",
        f"--screenshot={target}", source.as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    sys.stdout.write(f"{target.name}: {target.stat().st_size // 1024} KB\n")
