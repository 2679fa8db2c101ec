"""OpenAI's API: Chat Completions, Responses and Models, as requests to the Messages API and answers from it."""

from ccproxy_trio.dialects.openai.chunks import DONE as DONE
from ccproxy_trio.dialects.openai.chunks import ChunkStream as ChunkStream
from ccproxy_trio.dialects.openai.chunks import encode_chunk as encode_chunk
from ccproxy_trio.dialects.openai.completion import build_completion as build_completion
from ccproxy_trio.dialects.openai.errors import error_chunk as error_chunk
from ccproxy_trio.dialects.openai.errors import error_kind as error_kind
from ccproxy_trio.dialects.openai.errors import error_response as error_response
from ccproxy_trio.dialects.openai.models import model_list as model_list
from ccproxy_trio.dialects.openai.models import model_object as model_object
from ccproxy_trio.dialects.openai.places import Places as Places
from ccproxy_trio.dialects.openai.places import Unsupported as Unsupported
from ccproxy_trio.dialects.openai.places import WhenUnsupported as WhenUnsupported
from ccproxy_trio.dialects.openai.request import ChatRequest as ChatRequest
from ccproxy_trio.dialects.openai.request import parse_chat_request as parse_chat_request
from ccproxy_trio.dialects.openai.responses import ResponsesRequest as ResponsesRequest
from ccproxy_trio.dialects.openai.responses import ResponseStream as ResponseStream
from ccproxy_trio.dialects.openai.responses import build_response as build_response
from ccproxy_trio.dialects.openai.responses import encode_response_event as encode_response_event
from ccproxy_trio.dialects.openai.responses import parse_responses_request as parse_responses_request
