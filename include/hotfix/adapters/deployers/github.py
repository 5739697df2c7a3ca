"""Deployment by GitHub: its Deployments are the record, and a workflow or whoever listens to them does the work."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.deployments import FINAL, Deployments
from hotfix.domain.document import Sha
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable, DeploymentFailed, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import GithubDeployerProfile
from hotfix.ports.clock import Clock

_OURS = {"by": "emergency-hotfix"}
# Deployments that are looked through for what is live; behind so many failures in a row nothing is known.
LOOKED_THROUGH = 50
_GRACE = 60.0


class GithubDeployer:
    """What is live is the newest deployment of the environment whose newest status is a success.

    A deployment of ours that is not at its end is watched on and not made again, so that a crash in between does not
    deploy twice; a workflow run is found again by the deployment's number in its name.
    """

    name = "github"

    def __init__(
        self,
        profile: GithubDeployerProfile,
        api: GithubApi,
        repository: str,
        environment: str,
        default_branch: str,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._api = api
        self._repository = repository
        self._environment = environment
        self._default_branch = default_branch
        self._clock = clock
        self._deployments = Deployments(api, repository, environment)
        self._workflow = f"/repos/{repository}/actions/workflows/{profile.workflow}"

    def status(self) -> DeployerStatus:
        try:
            live = self.live()
            busy = next((each for each in self._newest() if self._deployments.state(each) not in FINAL), None)
        except CodeHostFailed as error:
            return DeployerStatus(live=None, problems=(str(error),))
        who = f"deployment {busy['id']} of {busy['sha'][:12]}, since {busy['created_at']}" if busy else ""
        problem = "" if live else f"GitHub knows no successful deployment to {self._environment}"
        return DeployerStatus(live=live, busy=who, problems=(problem,) if problem else ())

    def live(self) -> Sha | None:
        for deployment in self._newest():
            if self._deployments.state(deployment) == "success":
                return str(deployment["sha"])
        return None

    def history(self) -> tuple[Release, ...]:
        return tuple(
            Release(version=deployment["sha"], deployed_at=deployment["created_at"])
            for deployment in self._newest()
            if self._deployments.was_live(deployment)
        )

    def can_restore(self, version: Sha) -> bool:
        return any(self._deployments.was_live(deployment) for deployment in self._deployments.all(version))

    def deploy(self, version: Sha, source: Path) -> None:
        try:
            problem = self._bring(version)
        except CodeHostFailed as error:
            raise DeploymentFailed(
                f"The deployment of {version} failed: {error}", "A deployment that was begun is watched on next time."
            ) from error
        if problem:
            raise DeploymentFailed(f"The deployment of {version} failed: {problem}", "Correct the cause, deploy again.")

    def restore(self, version: Sha) -> None:
        try:
            problem = (
                self._bring(version)
                if self.live() == version or self.can_restore(version)
                else (f"it was never live in {self._environment}. Live now: {self.live() or 'unknown'}.")
            )
        except CodeHostFailed as error:
            problem = str(error)
        if problem:
            commands = "\n".join(f"  {command}" for command in self.by_hand(version))
            raise RollbackFailed(f"The return to {version} failed: {problem}", f"By hand:\n{commands}")

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        """With GitHub's own command line, logged in as somebody who may."""
        if self._profile.workflow:
            inputs = {"version": version, "environment": self._environment, "request": "by hand"}
            fields = [part for name, value in inputs.items() for part in ("-f", f"{name}={value}")]
            where = ["--repo", self._repository, "--ref", self._default_branch]
            return (shlex.join(["gh", "workflow", "run", self._profile.workflow, *where, *fields]),)
        fields = ["-f", f"ref={version}", "-f", f"environment={self._environment}", "-F", "auto_merge=false"]
        path = f"repos/{self._repository}/deployments"
        return (shlex.join(["gh", "api", path, "-X", "POST", *fields, "-F", "required_contexts[]"]),)

    def _newest(self) -> Iterator[Any]:
        return itertools.islice(self._deployments.all(), LOOKED_THROUGH)

    def _bring(self, version: Sha) -> str:
        """Make ``version`` live; what went wrong, or nothing."""
        if self.live() == version:
            return ""
        deployment = look_or_make(
            lambda: self._unfinished(version),
            lambda: self._deployments.create(version, "emergency hotfix", _OURS),
        )
        deadline = self._clock.now().timestamp() + self._profile.time_limit
        run = self._started(deployment) if self._profile.workflow else None
        state = "queued"
        while self._clock.now().timestamp() < deadline:
            try:
                if run is not None:
                    self._tell(deployment, run)
                status = self._deployments.status(deployment)
            except CodeHostUnavailable:
                # GitHub is away for a moment; the deployment goes on without us.
                self._clock.sleep(self._profile.interval)
                continue
            state = str(status.get("state", "queued"))
            if state in FINAL:
                return "" if state == "success" else self._failure(state, status)
            self._clock.sleep(self._profile.interval)
        return (
            f"it is still {state} after {self._profile.time_limit} s: deployment {deployment['id']} of "
            f"{self._environment} may yet go live. Live now: {self.live() or 'unknown'}."
        )

    def _failure(self, state: str, status: Any) -> str:
        said = status.get("description") or "no description"
        where = status.get("log_url") or status.get("target_url") or ""
        return f"{state}: {said}{f' ({where})' if where else ''}. Live now: {self.live() or 'unknown'}."

    def _unfinished(self, version: Sha) -> Any | None:
        return next(
            (
                each
                for each in self._deployments.all(version)
                if each["payload"] == _OURS and self._deployments.state(each) not in FINAL
            ),
            None,
        )

    def _started(self, deployment: Any) -> Any:
        """The workflow's run for this deployment: found, else begun and waited for."""
        request = f"deployment-{deployment['id']}"

        def look() -> Any | None:
            runs = self._api.get(f"{self._workflow}/runs", event="workflow_dispatch", per_page=50)["workflow_runs"]
            return next((each for each in runs if request in (each.get("display_title") or "")), None)

        run = look()
        if run is None:
            inputs = {"version": deployment["sha"], "environment": self._environment, "request": request}
            # Where the answer is lost a run may have begun: it is looked for as after any other.
            with suppress(CodeHostUnavailable):
                self._api.post(f"{self._workflow}/dispatches", {"ref": self._default_branch, "inputs": inputs})
        # The answer names no run, and the list shows it a little later.
        given_up = self._clock.now().timestamp() + min(_GRACE, self._profile.time_limit)
        while run is None:
            if self._clock.now().timestamp() >= given_up:
                raise CodeHostFailed(
                    f"No run of {self._profile.workflow} is named {request}.",
                    "Its run-name must hold ${{ inputs.request }}; a run may have begun all the same: look at Actions.",
                )
            self._clock.sleep(self._profile.interval)
            run = look()
        return run

    def _tell(self, deployment: Any, run: Any) -> None:
        """Say the run's state as the deployment's."""
        run = self._api.get(f"/repos/{self._repository}/actions/runs/{run['id']}")
        if run["status"] != "completed":
            self._deployments.tell(deployment, "in_progress", "the workflow runs")
        elif run["conclusion"] == "success":
            self._deployments.tell(deployment, "success", "the workflow ended well")
        else:
            self._deployments.tell(deployment, "failure", f"the workflow's run {run['id']}: {run['conclusion']}")
