"""Checks of OPTIONS: capabilities (PS3.18 8.9) and CORS preflights (Fetch)."""

import json
from collections.abc import Callable

from stowport.smoke.target import Failed, LeftOut, Target, described, expect, expect_field


def describes(path: str, accept: str, starts_with: str) -> Callable[[Target], str]:
    """Return the check that OPTIONS describes ``path`` without a token."""

    def answers(target: Target) -> str:
        headers = {"Accept": accept, "Authorization": ""}
        response = expect(target.send("OPTIONS", path, headers=headers), 200)
        text = response.body.decode("utf-8", "replace").lstrip()
        if not text.startswith(starts_with):
            raise Failed(f"found {described(response)}, expected {starts_with}")
        if starts_with == "{":
            json.loads(text)
        return response.media_type

    return answers


def answers_preflights(target: Target) -> str:
    """Send what a browser sends before a page of the given origin stores."""
    if not target.origin:
        raise LeftOut("needs --origin, a web origin of AllowedOrigins")
    headers = {
        "Authorization": "",
        "Origin": target.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = expect(target.send("OPTIONS", "/studies", headers=headers), 200)
    expect_field(response, "Access-Control-Allow-Origin")
    expect_field(response, "Access-Control-Allow-Methods", "POST")
    expect_field(response, "Access-Control-Allow-Headers", "Authorization")
    return ""


def refuses_strangers(target: Target) -> str:
    """Send the same from an origin that no deployment names."""
    headers = {
        "Authorization": "",
        "Origin": "https://smoke.invalid",
        "Access-Control-Request-Method": "POST",
    }
    response = expect(target.send("OPTIONS", "/studies", headers=headers), 200)
    allowed = response.headers.get("access-control-allow-origin")
    if allowed == "*":
        return "AllowedOrigins is *: every page may store"
    if allowed:
        raise Failed(f"found Access-Control-Allow-Origin {allowed}, expected none")
    return ""
