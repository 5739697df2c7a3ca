"""GitHub as the code host of one service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from hotfix.adapters.github import answers as words
from hotfix.adapters.github import texts
from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.checks import GateChecks
from hotfix.adapters.github.code_scanning import CodeScanning
from hotfix.adapters.github.deployments import Deployments
from hotfix.adapters.github.issues import IncidentIssues
from hotfix.adapters.github.markers import marked
from hotfix.adapters.github.pulls import Pulls, as_document
from hotfix.adapters.github.releases import Releases
from hotfix.adapters.github.reviews import ReviewPulls
from hotfix.domain.document import Sha
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable
from hotfix.domain.follow_up import PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import DeploymentState, RunState
from hotfix.domain.service import Github
from hotfix.ports.code_host import HostAnswer

_DEPLOYMENT = {
    DeploymentState.WATCHED: "in_progress",
    DeploymentState.STABLE: "success",
    DeploymentState.UNSTABLE: "failure",
    DeploymentState.ROLLED_BACK: "failure",
}


class GithubCodeHost:
    """A ``CodeHost``. ``repository`` is owner/name; ``deployed_elsewhere`` is false where the service's deployer is
    GitHub itself, which then keeps its own deployments; ``people`` are logins by user name.
    """

    name = "GitHub"
    listens = True

    def __init__(
        self,
        api: GithubApi,
        repository: str,
        settings: Github,
        *,
        base: str,
        deployed_elsewhere: bool,
        people: Mapping[str, str],
    ) -> None:
        self._api = api
        self._settings = settings
        self.introduction = f"shown on GitHub, in {repository}"
        self._path = f"/repos/{repository}"
        self._issues = IncidentIssues(api, repository, settings.labels, people, self.name)
        self._reviews = ReviewPulls(api, repository, base, people)
        self._pulls = Pulls(api, repository, base)
        self._checks = GateChecks(api, repository)
        self._deployments = Deployments(api, repository, settings.environment)
        self._scanning = CodeScanning(api, repository)
        self._releases = Releases(api, repository)
        self._deployed_elsewhere = deployed_elsewhere

    def pull_for(self, incident: Incident, branch: str) -> PullRequest | None:
        found = self._pulls.find(branch)
        return as_document(found) if found else None

    def open_pull(
        self,
        incident: Incident,
        branch: str,
        head: Sha,
        title: str,
        body: str,
        *,
        draft: bool = True,
        reviewers: tuple[str, ...] = (),
    ) -> PullRequest:
        remarks: tuple[str, ...] = ()
        try:
            linked = f"Incident: {self._issues.open(incident)['html_url']}\n\n{body}"
        except CodeHostFailed as error:
            linked, remarks = body, (f"not linked to the incident's issue: {error}",)
        pull = self._pulls.open(
            branch,
            title,
            marked("pull", incident, linked[: texts.BODY_LIMIT]),
            draft=draft,
            labels=self._settings.pull_labels,
            reviewers=(*self._settings.reviewers, *reviewers),
        )
        return pull.model_copy(update={"remarks": (*remarks, *pull.remarks)})

    def open_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        return str(self._issues.open(incident, body, labels)["html_url"])

    def show(self, state: RunState, sarif: str | None) -> tuple[str, ...]:
        parts: tuple[tuple[str, Callable[[], None]], ...] = (
            ("the review", lambda: self._show_review(state)),
            ("the incident's issue", lambda: self._issues.tell(state, self._reviews.url)),
            ("the checks", lambda: self._show_checks(state)),
            ("the security findings", lambda: self._show_findings(state, sarif)),
            ("the deployment", lambda: self._show_deployment(state)),
            ("the release", lambda: self._show_release(state)),
        )
        problems: list[str] = []
        for what, show in parts:
            try:
                show()
            except CodeHostUnavailable as error:
                # The next part would only wait for the same.
                return (*problems, f"{what} of {state.incident.id}, and what comes after it: {error}")
            except CodeHostFailed as error:
                problems.append(f"{what} of {state.incident.id}: {error}")
        return tuple(problems)

    def answers(self, incident: Incident, commit: Sha, since: datetime) -> tuple[HostAnswer, ...]:
        found: list[HostAnswer] = []
        issue = self._issues.find(incident)
        if issue is not None:
            path = f"{self._path}/issues/{issue['number']}/comments"
            comments = self._api.pages(path, since=f"{since:%Y-%m-%dT%H:%M:%SZ}")
            found += words.of_comments(comments, commit, since)
        for pull in self._pulls.with_head(commit):
            found += words.of_reviews(self._pulls.reviews(pull), commit, since)
        return tuple(sorted(found, key=lambda answer: answer.at))

    def _show_review(self, state: RunState) -> None:
        if self._settings.review_pull:
            self._reviews.tell(state, lambda: str(self._issues.open(state.incident)["html_url"]))

    def _show_checks(self, state: RunState) -> None:
        if state.fix_commit:
            self._checks.tell(state.incident, state.fix_commit, state.gates)

    def _show_findings(self, state: RunState, sarif: str | None) -> None:
        # Only for what is on a branch: code scanning knows no other refs.
        if sarif and state.fix_commit and state.pushed_branch and self._settings.upload_sarif:
            self._scanning.upload(state.fix_commit, f"refs/heads/{state.pushed_branch}", sarif)

    def _show_deployment(self, state: RunState) -> None:
        shipped = state.shipped
        if shipped is None or not self._settings.record_deployments or not self._deployed_elsewhere:
            return
        ours = {"incident": state.incident.id, "attempt": str(state.incident.attempt)}
        deployment = look_or_make(
            lambda: next((each for each in self._deployments.all(shipped.version) if each["payload"] == ours), None),
            lambda: self._deployments.create(shipped.version, f"hotfix {state.incident.id}", ours),
        )
        self._deployments.tell(deployment, _DEPLOYMENT[shipped.state], shipped.why)

    def _show_release(self, state: RunState) -> None:
        shipped, incident = state.shipped, state.incident
        if shipped is None or shipped.state is not DeploymentState.STABLE or not self._settings.releases:
            return
        tag = f"hotfix-{incident.id}" + (f"-{incident.attempt}" if incident.attempt > 1 else "")
        self._releases.publish(tag, shipped.version, f"Hotfix {incident.id}", texts.release_notes(state))
