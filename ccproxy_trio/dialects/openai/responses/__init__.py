"""OpenAI's Responses API, as requests to the Messages API and answers from it. Nothing is stored."""

from ccproxy_trio.dialects.openai.responses.request import ResponsesRequest as ResponsesRequest
from ccproxy_trio.dialects.openai.responses.request import parse_responses_request as parse_responses_request
from ccproxy_trio.dialects.openai.responses.response import build_response as build_response
from ccproxy_trio.dialects.openai.responses.stream import ResponseStream as ResponseStream
from ccproxy_trio.dialects.openai.responses.stream import encode_response_event as encode_response_event
