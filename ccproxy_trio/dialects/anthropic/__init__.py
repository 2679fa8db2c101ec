"""The Anthropic Messages API: reading requests, assembling answers, rendering failures."""

from ccproxy_trio.dialects.anthropic.blocks import ContentBlock as ContentBlock
from ccproxy_trio.dialects.anthropic.conversation import Message as Message
from ccproxy_trio.dialects.anthropic.errors import error_event as error_event
from ccproxy_trio.dialects.anthropic.errors import error_response as error_response
from ccproxy_trio.dialects.anthropic.errors import error_type as error_type
from ccproxy_trio.dialects.anthropic.events import InvalidStream as InvalidStream
from ccproxy_trio.dialects.anthropic.events import MessageAssembler as MessageAssembler
from ccproxy_trio.dialects.anthropic.request import MessagesRequest as MessagesRequest
from ccproxy_trio.dialects.anthropic.request import parse_betas as parse_betas
from ccproxy_trio.dialects.anthropic.request import parse_request as parse_request
from ccproxy_trio.dialects.anthropic.request import read_request as read_request
from ccproxy_trio.dialects.anthropic.upstream import failure_from_result as failure_from_result
