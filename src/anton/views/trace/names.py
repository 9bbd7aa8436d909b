"""Names of a span's attributes.

Those of OpenTelemetry are as its semantic conventions for generative AI have them:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (a model's reply, a tool's call) and
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/ (an agent). Anton's own begin with
`anton.`.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
CONVERSATION = "gen_ai.conversation.id"
AGENT = "gen_ai.agent.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
"""A part of the input tokens."""
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOOL = "gen_ai.tool.name"
TOOL_CALL = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"
ERROR = "error.type"

CHAT = "chat"
INVOKE_AGENT = "invoke_agent"
EXECUTE_TOOL = "execute_tool"
"""Values of `gen_ai.operation.name`; a span's name is one of them and the model's, agent's or tool's name."""
OPENAI = "openai"
"""Value of `gen_ai.provider.name`: the API that is spoken; who stands behind it is not known."""
FUNCTION = "function"

RUN = "anton.run.id"
TICKET = "anton.ticket.key"
SOURCE = "anton.ticket.source"
REPOSITORY = "anton.repository"
"""The last part of its path."""
ROUND = "anton.round"
TURN = "anton.turn"
OUTCOME = "anton.outcome"
PRIORITY = "anton.priority"
COST = "anton.cost_dollars"
RESTARTS = "anton.model.restarts"
COMPRESSION = "anton.model.compression"
"""True where a conversation was compressed, rather than carried on."""
VERDICT = "anton.proof.verdict"
FAULTS = "anton.proof.faults"
SUITE = "anton.cell.suite"
TREE = "anton.cell.tree"
STATUS = "anton.cell.status"
TESTS = "anton.cell.tests"
ATTEMPT = "anton.cell.attempt"
VERB = "anton.decision"
STEP = "anton.delivery.step"
ALLOWED = "anton.question.allowed"
AWAITS = "anton.work.awaits"
