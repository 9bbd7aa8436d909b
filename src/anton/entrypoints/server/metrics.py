"""What the server counts and measures, for Prometheus.

Names and units are as https://prometheus.io/docs/practices/naming/ has them: seconds and dollars, `_total`
for what only grows. Labels are few and bounded: no run, ticket, person or repository is one, and a name that
a model or the settings made up counts as `other` once there are many. Counters tell what this process did
since it started; `anton_runs` is of the whole journal, so every process with the same journal shows the same.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from anton import __version__
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    BriefingPrepared,
    CellFinished,
    ConversationCompressed,
    Decided,
    Entry,
    ProofFinished,
    ReplyReceived,
    RunClosed,
    StepDelivered,
    TurnEnded,
)
from anton.core.report import Priority
from anton.core.run import Phase, RunState
from anton.core.work import WorkStopped
from anton.runs.log import Watcher
from anton.views.trace.projection import role

UNKNOWN = "unknown"
OTHER = "other"

_OF_A_RUN = (10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200)
_OF_A_PERSON = (30, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
_OF_A_MODEL = (0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160)
_OF_A_CALL = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60)
_OF_A_CELL = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900)
_OF_A_WRITE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_OF_AN_ANSWER = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10)

GAUGES: Mapping[str, str] = MappingProxyType(
    {
        "anton_queue_waiting_runs": "Runs that wait for a free hand.",
        "anton_queue_running_runs": "Runs that are worked on by this process.",
        "anton_event_streams": "Event streams that are open.",
    }
)
"""What is read at each scrape, and what it tells."""


class Few:
    """Keeps the values of a label few.

    Args:
        most: How many there may be; what comes later is `other`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, cut to a sensible length, or `other`."""
        value = value[:80] or UNKNOWN
        if value not in self._known and len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value


class OpenRuns(Collector):
    """`anton_runs`: the runs that are not closed, by phase and priority."""

    def __init__(self) -> None:
        self._standing: dict[str, tuple[str, str]] = {}

    def know(self, state: RunState) -> None:
        """Where a run stands now."""
        if state.phase is Phase.CLOSED:
            self.forget(state.run_id)
        else:
            self._standing[state.run_id] = (state.phase.value, priority_of(state))

    def forget(self, run_id: str) -> None:
        """The run is closed."""
        self._standing.pop(run_id, None)

    @property
    def waiting(self) -> int:
        """Runs that wait for a person's decision."""
        return sum(phase == Phase.DECIDING.value for phase, _ in tuple(self._standing.values()))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge, at a scrape."""
        family = GaugeMetricFamily(
            "anton_runs", "Runs that are not closed, of the whole journal.", labels=("phase", "priority")
        )
        tally = Tally(tuple(self._standing.values()))  # a worker is scraped in another thread
        nothing = ((phase.value, UNKNOWN) for phase in Phase if phase is not Phase.CLOSED)
        for labels in dict.fromkeys((*nothing, *tally)):
            family.add_metric(labels, tally[labels])
        yield family


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.runs = OpenRuns()
        registry.register(self.runs)
        ProcessCollector(registry=registry)
        Info("anton_build", "This Anton.", registry=registry).info({"version": __version__})
        self._of_runs(registry)
        self._of_agents(registry)
        self._of_the_outside(registry)
        self.model_name, self.agent_name, self.tool_name = Few(20), Few(30), Few(100)
        self.step_name, self.source = Few(20), Few(20)

    def _of_runs(self, registry: CollectorRegistry) -> None:
        self.taken_in = Counter("anton_runs_taken_in", "Runs begun here.", ["source"], registry=registry)
        self.closed = Counter(
            "anton_runs_closed", "Runs that ended.", ["outcome", "priority"], registry=registry
        )
        self.briefings = Counter("anton_briefings", "Briefings.", ["verdict"], registry=registry)
        self.decisions = Counter("anton_decisions", "Answers of people.", ["verb"], registry=registry)
        self.to_briefing = Histogram(
            "anton_time_to_briefing_seconds",
            "From taking a ticket in to its first briefing.",
            buckets=_OF_A_RUN,
            registry=registry,
        )
        self.to_decision = Histogram(
            "anton_time_to_decision_seconds",
            "From a briefing to a person's answer.",
            buckets=_OF_A_PERSON,
            registry=registry,
        )
        self.proofs = Counter("anton_proofs", "Proofs.", ["verdict"], registry=registry)
        self.cells = Histogram(
            "anton_proof_cell_duration_seconds",
            "Runs of the tests within a proof.",
            ["suite", "tree", "status"],
            buckets=_OF_A_CELL,
            registry=registry,
        )
        self.deliveries = Counter(
            "anton_delivery_steps", "Outside effects that were done.", ["step"], registry=registry
        )
        self.stops = Counter(
            "anton_work_stops",
            "Attempts at a run that failed, by where it stood and what it waits for.",
            ["phase", "awaits"],
            registry=registry,
        )

    def _of_agents(self, registry: CollectorRegistry) -> None:
        by_model = ["model", "agent"]
        self.tokens = Counter(
            "anton_model_tokens",
            "Tokens as the provider counted them; the kinds add up to all.",
            [*by_model, "kind"],
            registry=registry,
        )
        self.cost = Counter(
            "anton_model_cost_dollars",
            "US dollars, as far as prices are known.",
            by_model,
            registry=registry,
        )
        self.replies = Histogram(
            "anton_model_request_duration_seconds",
            "From a request to the end of the model's reply.",
            by_model,
            buckets=_OF_A_MODEL,
            registry=registry,
        )
        self.restarts = Counter(
            "anton_model_restarts", "Streams that were cut and asked for again.", by_model, registry=registry
        )
        self.stand_ins = Counter(
            "anton_model_fallbacks", "Replies that another model gave.", by_model, registry=registry
        )
        self.model_errors = Counter(
            "anton_model_errors",
            "Agents that ended because the model gave no reply.",
            by_model,
            registry=registry,
        )
        self.stints = Counter("anton_agent_ends", "Ends of agents.", ["agent", "outcome"], registry=registry)
        self.calls = Histogram(
            "anton_tool_call_duration_seconds",
            "Calls of tools.",
            ["tool", "result"],
            buckets=_OF_A_CALL,
            registry=registry,
        )

    def _of_the_outside(self, registry: CollectorRegistry) -> None:
        self.webhooks = Histogram(
            "anton_webhook_request_duration_seconds",
            "Requests of other systems until they were answered.",
            ["sender", "code"],
            buckets=_OF_AN_ANSWER,
            registry=registry,
        )
        self.chat_failures = Counter(
            "anton_chat_failures", "Messages that the chat did not take.", registry=registry
        )
        self.chat_up = Gauge(
            "anton_chat_up", "Whether the chat took the last message: 1 or 0.", registry=registry
        )
        self.chat_up.set(1)
        self.appends = Histogram(
            "anton_journal_append_duration_seconds",
            "Transactions of the journal.",
            buckets=_OF_A_WRITE,
            registry=registry,
        )
        self.lag = Histogram(
            "anton_event_loop_lag_seconds",
            "How much later than due the event loop went on.",
            buckets=_OF_A_WRITE,
            registry=registry,
        )

    def gauge(self, name: str, read: Callable[[], int]) -> None:
        """Have a number read at each scrape."""
        Gauge(name, GAUGES[name], registry=self.registry).set_function(read)

    # Runs, as they are written

    def follow(self, written: Sequence[Entry]) -> Watcher:
        """An observer of runs."""
        briefed = [entry.at for entry in written if isinstance(entry.event, BriefingPrepared)]
        return _RunMeter(self, briefed[-1] if briefed else None).see


class _RunMeter:
    """A watcher of one run."""

    def __init__(self, metrics: Metrics, briefed_at: datetime | None) -> None:
        self._metrics = metrics
        self._briefed_at = briefed_at

    def see(self, entry: Entry, state: RunState) -> None:
        """Count an entry."""
        metrics = self._metrics
        metrics.runs.know(state)
        match entry.event:
            case ReplyReceived() | ConversationCompressed():
                self._reply(entry.event)
            case TurnEnded() as event:
                for result in event.results:
                    outcome = "failed" if result.failed else "ok"
                    metrics.calls.labels(metrics.tool_name(result.name), outcome).observe(result.seconds)
            case AgentEnded() as event:
                self._agent_ended(event, state)
            case CellFinished(cell):
                labels = (cell.suite.value, cell.tree.value, cell.status.value)
                metrics.cells.labels(*labels).observe(cell.seconds)
            case ProofFinished(proof):
                metrics.proofs.labels("green" if proof.green else "red").inc()
            case BriefingPrepared() | Decided() | StepDelivered() | WorkStopped() | RunClosed():
                self._milestone(entry, state)

    def _milestone(self, entry: Entry, state: RunState) -> None:
        metrics = self._metrics
        match entry.event:
            case BriefingPrepared(briefing):
                metrics.briefings.labels("green" if briefing.green else "red").inc()
                if self._briefed_at is None:
                    metrics.to_briefing.observe((entry.at - state.started_at).total_seconds())
                self._briefed_at = entry.at
            case Decided(verb):
                metrics.decisions.labels(verb.value).inc()
                if self._briefed_at is not None:
                    metrics.to_decision.observe((entry.at - self._briefed_at).total_seconds())
            case StepDelivered(step):
                metrics.deliveries.labels(metrics.step_name(step)).inc()
            case WorkStopped() as event:
                if event.awaits != "start":  # that is Anton being told to end
                    metrics.stops.labels(state.phase.value, event.awaits).inc()
            case RunClosed(outcome):
                metrics.closed.labels(outcome.value, priority_of(state)).inc()

    def _reply(self, event: ReplyReceived | ConversationCompressed) -> None:
        if isinstance(event, ConversationCompressed) and not event.summary:
            return  # no model was asked
        metrics, usage = self._metrics, event.usage
        labels = metrics.model_name(event.model), metrics.agent_name(role(event.agent))
        kinds = (
            ("input", usage.input_tokens - usage.cached_tokens),
            ("input_cached", usage.cached_tokens),
            ("output", usage.output_tokens),
        )
        for kind, number in kinds:
            metrics.tokens.labels(*labels, kind).inc(max(0, number))
        metrics.cost.labels(*labels).inc(max(0.0, event.cost_dollars or 0.0))
        metrics.replies.labels(*labels).observe(event.seconds)
        if isinstance(event, ReplyReceived):
            metrics.restarts.labels(*labels).inc(event.restarts)
            metrics.stand_ins.labels(*labels).inc(bool(event.instead_of))

    def _agent_ended(self, event: AgentEnded, state: RunState) -> None:
        metrics, agent = self._metrics, self._metrics.agent_name(role(event.agent))
        metrics.stints.labels(agent, event.outcome.value).inc()
        if event.outcome is AgentOutcome.FAILED:
            model = state.agents[event.agent].model
            metrics.model_errors.labels(metrics.model_name(model), agent).inc()


def priority_of(state: RunState) -> str:
    """As the briefing has it; `unknown` before there is one."""
    return Priority.named(state.briefing.priority) if state.briefing else UNKNOWN
