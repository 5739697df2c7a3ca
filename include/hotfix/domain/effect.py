"""What the workflow does to the world outside, as the ledger keeps it: before it is done, and after."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Document, Instant


class EffectKind(str, Enum):
    SET_REF = "set_ref"
    DELETE_REF = "delete_ref"
    DEPLOY = "deploy"
    RESTORE = "restore"
    OPEN_PULL_REQUEST = "open_pull_request"
    OPEN_ISSUE = "open_issue"
    START_RUN = "start_run"


class EffectState(str, Enum):
    """``UNDER_WAY`` long after its beginning means: whoever did it died, and the world has to be asked."""

    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class Intent(Document):
    """An effect that is about to happen. ``kind`` and ``key`` name it, the same on every try."""

    kind: EffectKind
    key: str
    target: str = ""

    @property
    def headline(self) -> str:
        return f"{self.kind.value} {self.key}{f' ({self.target[:12]})' if self.target else ''}"


class Effect(Intent):
    """One row of the journal. ``run_id`` is the run that did it last, ``what`` how it ended in words."""

    state: EffectState
    run_id: str
    begun_at: Instant
    ended_at: Instant | None = None
    tries: int = 1
    what: str = ""
