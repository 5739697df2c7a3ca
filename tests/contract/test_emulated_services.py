"""The servers that stand in for GitHub and Slack are there, and know who asks."""

from __future__ import annotations

from github import Auth, Github
from slack_sdk import WebClient

from tests.support.emulated import OWNER, REPOSITORY, TOKENS, Emulated


def test_github_answers_a_client_as_the_one_whose_token_it_has(emulated: Emulated) -> None:
    client = Github(auth=Auth.Token(TOKENS["reviewer"]), base_url=emulated.github)
    assert client.get_user().login == "reviewer"
    assert client.get_repo(f"{OWNER}/{REPOSITORY}").default_branch == "main"


def test_slack_answers_a_client_and_keeps_what_it_posts(emulated: Emulated) -> None:
    client = WebClient(TOKENS["hotfix-bot"], base_url=f"{emulated.slack}/api/")
    channels = {each["name"]: each["id"] for each in client.conversations_list()["channels"]}
    posted = client.chat_postMessage(channel=channels["incidents"], text="down")
    history = client.conversations_history(channel=channels["incidents"])["messages"]
    assert [each["text"] for each in history if each["ts"] == posted["ts"]] == ["down"]
