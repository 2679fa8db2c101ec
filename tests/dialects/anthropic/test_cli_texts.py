"""Words of the CLI's own in place of the API's: a client is told what the API had said."""

from __future__ import annotations

import pytest

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure

EITHER = "prompt is too long: input length and `max_tokens` exceed context limit"
TOO_LONG = "prompt is too long: 208310 tokens > 200000 maximum"


# Recorded, but for the two with "own content" and "provider": those were read in the program.
@pytest.mark.parametrize("status", [400, None])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Prompt is too long · the request is ~208310 tokens (limit 200000) but this conversation is only ~22 "
            "tokens — the rest is system prompt, tool definitions, and attachment content. A single-exchange "
            "conversation cannot be compacted; reduce attached files/tools or start with less context.",
            TOO_LONG,
        ),
        (
            "Prompt is too long · the request is ~208310 tokens (limit 200000) and this conversation's own content "
            "is most of it. A single-exchange conversation cannot be compacted; start with less content.",
            TOO_LONG,
        ),
        (
            "Prompt is too long · this conversation is a single exchange and cannot be compacted — the request size "
            "comes mostly from system prompt, tool definitions, or attachments.",
            EITHER,
        ),
        ("Prompt is too long", EITHER),
        ("Prompt is too long · automatic compaction failed: API Error: Invalid URL", EITHER),
        ("Prompt is too long · the provider said: max 9 tokens", "prompt is too long: max 9 tokens"),
    ],
)
def test_a_prompt_that_is_too_long(status: int | None, text: str, message: str) -> None:
    kind = "invalid_request_error"
    assert failure_from_result(status, text, "invalid_request", kind=kind) == Failure(400, message, kind=kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Image was too large. Try resizing the image or using a different approach.",
            "image exceeds the maximum size",
        ),
        (
            "An image in the conversation exceeds the dimension limit for many-image requests (2000px). Start a new "
            "session with fewer images.",
            "At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
        ),
        (
            "API Error: an image in the conversation could not be processed and was removed. Re-read the file with a "
            "different approach if you still need it.",
            "Could not process image",
        ),
        (
            "The PDF file was not valid. Try converting it to text first (e.g., pdftotext).",
            "The PDF specified was not valid.",
        ),
        (
            "PDF is password protected. Try using a CLI tool to extract or convert the PDF.",
            "The PDF specified is password protected.",
        ),
        (
            "PDF too large (max 100 pages, 20MB). Try reading the file a different way (e.g., extract text with "
            "pdftotext).",
            "A maximum of 100 PDF pages may be provided.",
        ),
        (
            "API Error: 400 due to tool use concurrency issues.",
            "`tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        (
            "API Error: 400 orphaned tool_result in conversation history.",
            "unexpected `tool_use_id` found in `tool_result` blocks",
        ),
        ("API Error: 400 duplicate tool_use ID in conversation history.", "`tool_use` ids must be unique"),
        (
            "API Error: Effort 'max' isn't available with thinking turned off on this model · use --effort high (or "
            "the effortLevel setting), or turn thinking back on (unset MAX_THINKING_TOKENS=0)",
            "effort 'max' is not supported when thinking is disabled",
        ),
        (
            "Your ANTHROPIC_API_KEY belongs to a disabled organization · Update or unset the environment variable",
            "This organization has been disabled.",
        ),
        (
            "API Error: 400 `temperature` may only be set to 1 when thinking is enabled. Please consult our "
            "documentation at https://docs.claude.com",
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at "
            "https://docs.claude.com",
        ),
        (
            "API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
        ),
    ],
)
def test_words_of_the_clis_own_for_what_the_api_refused(text: str, message: str) -> None:
    assert failure_from_result(400, text, "invalid_request") == Failure(400, message)
