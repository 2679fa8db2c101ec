"""What the CLI writes in place of the API's message, and what the API had said.

The CLI knows many of the API's messages by a part of their text, and shows its user another in their place, with what
to type next. A client never saw the CLI: it gets the API's own words, as far as the CLI's text still tells them, and
nothing of the commands, variables and files of whoever runs this server.

Measured on 2.1.330, each with an API that says it, or, where no fake API can bring it about, read in its program.
"""

from __future__ import annotations

import re

NOT_LOGGED_IN = (
    "The CLI behind this server is not logged in: whoever runs it has to log in or give it an API key"
)
NOT_THE_CLIENTS = ": it is this server's own, not the client's"
_LOGIN_OVER = (
    "The login of the CLI behind this server is no longer valid: whoever runs it has to log in again"
)
_ADDRESS = "The address of the API that this server is set up with is not valid"
_HEADERS = "The headers that this server is set up to send to the API are not valid"
_KEY_SCRIPT = "This server could not obtain its API key"

_SIZES = re.compile(r"~(\d+) tokens \(limit (\d+)\)")
_QUOTED = re.compile(r" · the provider said: (.+)", re.DOTALL)

_SAID = [
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in [
        (
            r"Credit balance is too low",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
            "purchase credits.",
        ),
        (
            r"Request too large(?: \(max [^)]*\)| for the API's [^:]*)?[.:](?: .*)?",
            "Request exceeds the maximum size",
        ),
        (r"There's an issue with the selected model \((.*?)\)\..*", r"model: \1"),
        (r"The model (\S+) is not available on your \w+ deployment\. .*", r"model: \1"),
        (r"Repeated 529 Overloaded errors\..*", "Overloaded"),
        (r"Image was too large\..*", "image exceeds the maximum size"),
        (
            r"An image in the conversation exceeds the dimension limit for many-image requests \((\d+)px\)\..*",
            r"At least one of the image dimensions exceed max allowed size for many-image requests: \1 pixels",
        ),
        (
            r"An image in the conversation exceeds the dimension limit for many-image requests\..*",
            "At least one of the image dimensions exceed max allowed size for many-image requests",
        ),
        (
            r"an image in the conversation could not be processed and was removed\..*",
            "Could not process image",
        ),
        (
            r"a document in the conversation could not be processed and was removed\..*",
            "Could not process PDF",
        ),
        (r"this model does not accept PDF documents,.*", "This model does not support PDF input"),
        (r"The PDF file was not valid\..*", "The PDF specified was not valid."),
        (r"PDF is password protected\..*", "The PDF specified is password protected."),
        (r"PDF too large \(max (\d+) pages, .*", r"A maximum of \1 PDF pages may be provided."),
        (
            r"due to tool use concurrency issues\..*",
            "`tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        (
            r"orphaned tool_result in conversation history\..*",
            "unexpected `tool_use_id` found in `tool_result` blocks",
        ),
        (r"duplicate tool_use ID in conversation history\..*", "`tool_use` ids must be unique"),
        (
            r"Effort '(\w+)' isn't available with thinking turned off on this model · .*",
            r"effort '\1' is not supported when thinking is disabled",
        ),
        (
            r"Your ANTHROPIC_API_KEY belongs to a disabled organization\b.*",
            "This organization has been disabled.",
        ),
        (
            r"Your organization has disabled API key authentication\b.*",
            "API key authentication is disabled for this organization.",
        ),
        (r"(Invalid (?:API key|auth token)) · (?:Fix external|Please run) .*", rf"\1{NOT_THE_CLIENTS}"),
        (r"this may be a temporary capacity issue\..*", ""),
    ]
]
"""By the whole text after `API Error: 400 ` and the like. What is not here is the API's own message."""

_SET_UP = [
    (re.compile(pattern, re.DOTALL), status, said)
    for pattern, status, said in [
        (r"(Not logged in|Authentication required)\b.*", 401, NOT_LOGGED_IN),
        (
            r"(OAuth token revoked|(Anthropic profile )?[Ll]ogin (expired|reached its time limit)) · .*",
            401,
            _LOGIN_OVER,
        ),
        (r"Failed to authenticate: .*", 401, _LOGIN_OVER),
        (r"(Failed to refresh OAuth token|Could not refresh your login)\b.*", 502, _LOGIN_OVER),
        (r"Invalid (ANTHROPIC_CUSTOM_HEADERS|request header from the environment)\b.*", 502, _HEADERS),
        (r"Your apiKeyHelper script is failing\b.*", 502, _KEY_SCRIPT),
        (r"(API Error: )?Invalid URL", 502, _ADDRESS),
    ]
]
"""What the API never said: this server is not set up as it should be."""

_ADVICE = re.compile(r"\.? This is (?:a server-side issue, )?usually temporary\b.*", re.DOTALL)
_SEVERAL_SENTENCES = re.compile(r"[.!?…] \S")
_OPERATORS = re.compile(
    r"\b(?:ANTHROPIC|CLAUDE|API|MAX_THINKING|AWS|GOOGLE)_[A-Z][A-Z_]+\b"
    r"|(?:^|[\s`])/(?:login|logout|model|compact|clear|status|upgrade|usage|effort|extra-usage|advisor|rewind)\b"
    r"|`claude |\bapiKeyHelper\b|\benvironment variable\b|\b[Dd]ouble press esc\b"
)


def find_setup_fault(text: str) -> tuple[int, str] | None:
    """The status and message for a text that is about this server's own setup."""
    for pattern, status, said in _SET_UP:
        if pattern.fullmatch(text):
            return status, said
    return None


def undress(text: str) -> str:
    """The API's message out of the CLI's text for it, without what stands in front of it there."""
    if text.startswith("Prompt is too long"):
        return _too_long(text)
    for pattern, said in _SAID:
        if (match := pattern.fullmatch(text)) is not None:
            return match.expand(said)
    message = _ADVICE.sub("", text)
    if message != text and _SEVERAL_SENTENCES.search(message):
        message += "."  # the CLI took it off; of a single sentence nobody can tell whether there was one
    return _without_advice(message)


def _too_long(text: str) -> str:
    if (sizes := _SIZES.search(text)) is not None:
        return f"prompt is too long: {sizes[1]} tokens > {sizes[2]} maximum"
    if (quoted := _QUOTED.search(text)) is not None:
        return f"prompt is too long: {quoted[1]}"
    # The same text stands for either of the API's two messages. Clients know them by these words.
    return "prompt is too long: input length and `max_tokens` exceed context limit"


def _without_advice(message: str) -> str:
    """Without the parts that speak of the CLI's commands and its user's variables."""
    if _OPERATORS.search(message) is None:
        return message
    parts = re.split(r"( · |(?<=[.!?]) )", message)
    kept = [
        (before, part)
        for before, part in zip(["", *parts[1::2]], parts[::2], strict=True)
        if _OPERATORS.search(part) is None
    ]
    return "".join(before + part for before, part in kept).removeprefix(" · ").strip()
