"""The configuration file of gunicorn in the sample production: an access log in JSON lines.

Gunicorn's own formats have no epoch time, so a logger writes the lines. It reads this file anew on
each start and each upgrade; the names below are settings.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class JsonAccessLog(Logger):  # type: ignore[misc]
    """One line per answered request: t (epoch seconds), method, path with query, status, ms."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Log a request when its answer has been sent."""
        record = {
            "t": round(time.time(), 3),
            "method": environ["REQUEST_METHOD"],
            "path": environ["RAW_URI"],
            "status": resp.status_code,
            "ms": round(request_time.total_seconds() * 1000, 1),
        }
        self.access_log.info(json.dumps(record))


logger_class = JsonAccessLog
control_socket_disable = True  # it would be created in the home directory
