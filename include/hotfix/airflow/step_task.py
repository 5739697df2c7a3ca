"""A workflow step as an Airflow task: documents in, a document out, everything noted in the ledger."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_type_hints

from airflow.sdk import TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DagRunTriggerException

from hotfix.airflow.patient_task import is_resumed, patient_task, wait_until
from hotfix.airflow.retries import ByError
from hotfix.airflow.toolbox import toolbox
from hotfix.airflow.work import work_at_hand
from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.stability import NextLook
from hotfix.ports.bug_database import Event
from hotfix.steps.what_went_wrong import FAILED, FINISHED, STARTED

log = logging.getLogger("hotfix")

RETRIES = 3
RETRY_DELAY = timedelta(seconds=5)


def progress(line: str) -> None:
    """One line in the task's log."""
    log.info(line)


def current_incident() -> Incident | None:
    """The incident that this task works on, as the ledger has it; None when its run opened none."""
    return work_at_hand(toolbox().bug_database).incident


def incident_to_recover() -> Incident:
    """For recovery tasks: they ask the ledger, since the step that failed told nobody.

    Raises:
        AirflowSkipException: no incident was opened, so nothing is there to undo.
    """
    incident = current_incident()
    if incident is None:
        raise AirflowSkipException("No incident was opened: nothing was touched, nothing is there to undo.")
    return incident


@dataclass
class Notes:
    """What a step leaves in the ledger when it has finished: its documents, and words for the timeline."""

    documents: list[Document] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def record(self, document: Document) -> None:
        self.documents.append(document)

    def say(self, words: str) -> None:
        progress(words)
        self.words.append(words)


@contextmanager
def noted(step: str, resumed: bool = False) -> Iterator[Notes]:
    """Note a step's beginning (but for one that goes on) and end in the ledger, and turn our errors into Airflow's.

    What was given to the ``Notes`` goes into the ledger when the step has finished. An error that another try may mend
    is passed on, so that Airflow retries; any other ends the task at once with its own words.
    """
    try_number = get_current_context()["ti"].try_number
    if not resumed:
        _note(step, STARTED, try_number)
    notes = Notes()
    try:
        yield notes
    except HotfixError as error:
        # As a line of its own: below it Airflow prints a traceback, and the reader is tired.
        log.error("%s", error)
        _note(step, f"{FAILED}{error}", try_number)
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from None
    except AirflowSkipException:
        raise
    except DagRunTriggerException:
        # How an operator asks Airflow to start another run: the end of the step, not its failure.
        _finish(step, notes, try_number)
        raise
    except Exception as error:
        _note(step, f"{FAILED}{type(error).__name__}: {error}", try_number)
        raise
    _finish(step, notes, try_number)


def _finish(step: str, notes: Notes, try_number: int) -> None:
    incident = current_incident()
    for document in notes.documents:
        if incident is not None:
            toolbox().bug_database.record(incident, document)
    said = "; ".join([*notes.words, *(document.headline for document in notes.documents if document.headline)])
    _note(step, f"{FINISHED}: {said}" if said else FINISHED, try_number)


def _incident_of_this_run() -> Incident:
    incident = current_incident()
    if incident is None:
        raise HotfixError("The ledger knows no incident of this run.", "Look at open_incident; nothing is shipped.")
    return incident


def _note(step: str, what: str, try_number: int) -> None:
    incident = current_incident()
    if incident is not None:
        kind = what.split(":", 1)[0]
        event = Event(at=toolbox().clock.now(), step=step, what=what[:2000], key=f"{step}/{kind}/{try_number}")
        toolbox().bug_database.note(incident, event)


def step_task(
    function: Callable[..., Document] | None = None,
    *,
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS,
    time_limit: timedelta = timedelta(minutes=10),
    prepare: Callable[[], None] | None = None,
    patient: bool = False,
) -> Any:
    """Make a task of a function whose parameters and result are documents.

    They cross XCom as plain JSON, but for ``incident``, which every step of a run shares: it comes from the ledger, so
    that the graph shows the workflow and not who knows the incident. The task's id is the function's name, its
    documentation the function's docstring. ``prepare`` runs before the ledger is asked for anything.

    A ``patient`` step may answer with a ``NextLook``: the task then waits for that moment without a worker, and the
    step is called again with the same arguments. What it knows by then is in the ledger. ``time_limit`` is for a call.
    """

    def decorate(step: Callable[..., Document]) -> Any:
        hints = get_type_hints(step)
        whole = inspect.signature(step)
        given_by_xcom = [each for each in whole.parameters.values() if each.name != "incident"]
        signature = whole.replace(parameters=given_by_xcom)

        @functools.wraps(step)
        def body(*args: Any, **kwargs: Any) -> dict[str, Any]:
            if prepare is not None:
                prepare()
            with noted(step.__name__, resumed=patient and is_resumed()) as notes:
                given = _parse(signature.bind(*args, **kwargs).arguments, hints)
                if "incident" in whole.parameters:
                    given["incident"] = _incident_of_this_run()
                document = step(**given)
                if isinstance(document, NextLook):
                    wait_until(document.at)
                notes.record(document)
            return document.to_xcom()

        body.__signature__ = signature  # type: ignore[attr-defined]
        make = patient_task if patient else task
        return make(
            task_id=step.__name__,
            multiple_outputs=False,
            doc_md=inspect.getdoc(step),
            retries=RETRIES,
            retry_delay=RETRY_DELAY,
            retry_policy=ByError(),
            trigger_rule=trigger_rule,
            execution_timeout=time_limit,
        )(body)

    return decorate if function is None else decorate(function)


def gate(function: Callable[..., str] | None = None, *, trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> Any:
    """Make a branch of a function from documents to the id of the task to go on with.

    A gate only reads documents: a retry after a lost worker gives the same answer, it cannot turn a no into a yes.
    """

    def decorate(choose: Callable[..., str]) -> Any:
        hints = get_type_hints(choose)
        signature = inspect.signature(choose)

        @functools.wraps(choose)
        def body(*args: Any, **kwargs: Any) -> str:
            with noted(choose.__name__) as notes:
                chosen = choose(**_parse(signature.bind(*args, **kwargs).arguments, hints))
                notes.say(f"goes on with {chosen}")
            return chosen

        return task.branch(
            task_id=choose.__name__,
            doc_md=inspect.getdoc(choose),
            retries=RETRIES,
            retry_delay=RETRY_DELAY,
            trigger_rule=trigger_rule,
        )(body)

    return decorate if function is None else decorate(function)


def _parse(arguments: Mapping[str, Any], hints: Mapping[str, Any]) -> dict[str, Document]:
    return {name: hints[name].model_validate(value) for name, value in arguments.items()}
