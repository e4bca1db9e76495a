"""Which repository of which code host a remote's address leads to."""

from __future__ import annotations

import pytest

from orchestrate.adapters.code_host.address import hosted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/ada/shop.git", "github.com/ada/shop"),
        ("https://ada:secret@github.com/ada/shop", "github.com/ada/shop"),
        ("git@github.com:ada/shop.git", "github.com/ada/shop"),
        ("ssh://git@ssh.github.com:443/ada/shop.git", "github.com/ada/shop"),
        ("ssh://git@gitlab.com/team/apps/shop.git", "gitlab.com/team/apps/shop"),
        ("https://git.corp.example:8443/team/shop/", "git.corp.example:8443/team/shop"),
        ("ssh://git@git.corp.example:2222/team/shop", "git.corp.example/team/shop"),
        ("git@GitHub.com:ada/shop", "github.com/ada/shop"),
    ],
)
def test_addresses_of_hosted_repositories(url: str, shown: str) -> None:
    assert str(hosted(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "/srv/git/shop.git",
        "../shop",
        "file:///srv/git/shop.git",
        "https://github.com/shop",
        "https://github.com/ada/../../etc",
        "https://github.com:99999/ada/shop",
        "git@github.com:--upload-pack=x/y",
        "https://github.com/ada/sh op",
        "",
    ],
)
def test_addresses_of_anything_else(url: str) -> None:
    assert hosted(url) is None
