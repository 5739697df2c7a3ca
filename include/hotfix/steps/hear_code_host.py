"""Answers that people give where the code is."""

from __future__ import annotations

from hotfix.domain.approval import Answer, ApprovalRequest
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.code_host import CodeHost
from hotfix.ports.correspondence import Correspondence
from hotfix.steps.answers import APPROVE, REJECT, REMARK_LIMIT


def hear(
    incident: Incident,
    request: ApprovalRequest,
    profile: ServiceProfile,
    *,
    code_host: CodeHost,
    ledger: Correspondence,
) -> None:
    """Keep them in the ledger, as of the person whom the profile knows by that account. Whose count is judged later.

    Raises:
        CodeHostFailed: they could not be read.
    """
    # The host's times are whole seconds.
    since = request.requested_at.replace(microsecond=0)
    known = {answer.key for answer in ledger.answers(incident)}
    for said in code_host.answers(incident, request.commit, since):
        answer = Answer(
            option=APPROVE if said.approve else REJECT,
            user=profile.person("github", said.user),
            channel=code_host.name,
            at=said.at,
            account=said.user,
            reference=said.where,
            commit=said.commit,
            remark=said.text[:REMARK_LIMIT],
            edited=said.edited,
        )
        if answer.key not in known:
            ledger.keep_answer(incident, answer)
