"""A scripted model on loopback: drive the real agent programs in tests, offline and free of charge.

    fix = Scenario("fix", (Role("builder", (Write("a.txt", "hello\\n"), Bash("ls"), Say("done"))),))
    with ModelServer([fix]) as server:
        url = server.url("claude", "fix")    # ANTHROPIC_BASE_URL
        url = server.url("codex", "fix")     # base_url of a model provider
        ...                                  # run the program, with any text as its key
        assert [each.step for each in server.asked("fix")] == [0, 1, 2]
        assert "my instructions" in server.texts("fix")
        assert server.tokens("fix") == Tokens(300, 0, 0, 30)

Steps are actions (`Say`, `Json`, `Refuse`, `Write`, `Edit`, `Read`, `Bash`, `Mcp`, `Call`) or
`turn(…)` for several at once, with `tokens=Tokens(…)` to report and
`faults=(Fault("status", status=429),)`. Which step answers is read off the history in the request,
so retries, resumed sessions and parallel conversations stay in step. `Role(marker="…")` answers
conversations with that text in their instructions or prompts. `Fault("hang")` and `Fault("stall")`
end with `server.release(scenario)`; `server.wait_for(2)` waits for two requests. From a shell:
`python -m orchestrate.testing.model_server FILE.yaml`.
"""

from orchestrate.testing.model_server.request_log import Exchange, fingerprint
from orchestrate.testing.model_server.scenario import (
    Action,
    Bash,
    Call,
    Edit,
    Fault,
    Json,
    Mcp,
    Read,
    Refuse,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    Write,
    turn,
)
from orchestrate.testing.model_server.server import ModelServer

__all__ = [
    "Action",
    "Bash",
    "Call",
    "Edit",
    "Exchange",
    "Fault",
    "Json",
    "Mcp",
    "ModelServer",
    "Read",
    "Refuse",
    "Role",
    "Say",
    "Scenario",
    "Step",
    "Tokens",
    "Write",
    "fingerprint",
    "turn",
]
