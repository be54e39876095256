"""Register once per launch, then report every step; every call may be repeated."""

import dataclasses
import time
from typing import Dict, Mapping, Optional, Sequence

import grpc
from google.protobuf import json_format

from entrain.controller.v1 import schedule_pb2, steering_pb2, telemetry_service_pb2, telemetry_service_pb2_grpc


@dataclasses.dataclass(frozen=True)
class Line:
    """A clip threshold in the token's probability p: eps(p) = intercept + slope * p. An epsilon, never an absolute ratio bound."""

    intercept: float
    slope: float

    def at(self, probability: float) -> float:
        return self.intercept + self.slope * probability


@dataclasses.dataclass(frozen=True)
class Directive:
    """What to use from `step` on. `upper` binds tokens with a positive advantage, `lower` those with a negative one; None: that side is off."""

    id: int
    step: int
    revision: int
    upper: Optional[Line]
    lower: Optional[Line]
    dials: Dict[str, float]
    state: str
    reason: str
    message: steering_pb2.Directive  # as it came; keep it with the checkpoint and give it back to register()


def _line(side: schedule_pb2.ClipSide) -> Optional[Line]:
    kind = side.WhichOneof("side")
    if kind == "line":
        return Line(side.line.intercept, side.line.slope)
    if kind == "off":
        return None
    raise ValueError("the controller sent a side that is neither a line nor off")


def _directive(message: steering_pb2.Directive) -> Directive:
    return Directive(
        id=message.directive_id,
        step=message.step,
        revision=message.revision,
        upper=_line(message.bounds.upper),
        lower=_line(message.bounds.lower),
        dials=dict(message.dials),
        state=message.state,
        reason=message.reason,
        message=message,
    )


class Controller:
    """One trainer's way to the controller at `address` ("host:port"). Not for use by several threads at once.

    A controller that is away is asked again until the timeout of the call; then grpc.RpcError comes through, and the trainer decides (the usual
    answer: keep the last directive and go on). A controller that came back without the registration gets it again by itself.
    """

    def __init__(self, address: str, credentials: Optional[grpc.ChannelCredentials] = None):
        options = [("grpc.max_reconnect_backoff_ms", 1000), ("grpc.initial_reconnect_backoff_ms", 100)]
        self._channel = grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(address, options)
        self._stub = telemetry_service_pb2_grpc.TelemetryServiceStub(self._channel)
        self._registration: Optional[telemetry_service_pb2.RegisterRunRequest] = None
        self._last: Optional[steering_pb2.Directive] = None

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Controller":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def register(
        self,
        run_id: str,
        schedule: Mapping,
        *,
        name: str = "",
        total_steps: int = 0,
        attempt: int = 1,
        resume_from_step: int = 0,
        last_directive: Optional[steering_pb2.Directive] = None,
        lines: bool = True,
        dials: Sequence[str] = (),
        timeout: float = 10.0,
    ) -> int:
        """Announces a launch; answers the revision of the schedule in force. `schedule` as in JSON: {"clip": {"law": "CLIP_LAW_ID"}}."""
        request = telemetry_service_pb2.RegisterRunRequest(
            run_id=run_id, name=name or run_id, total_steps=total_steps, attempt=attempt, resume_from_step=resume_from_step
        )
        json_format.ParseDict(dict(schedule), request.schedule)
        request.capabilities.lines = lines
        request.capabilities.plain_box = True
        request.capabilities.dials.extend(dials)
        if last_directive is not None:
            request.last_directive.CopyFrom(last_directive)
        self._registration, self._last = request, last_directive
        return self._retry(self._stub.RegisterRun, request, time.monotonic() + timeout).revision

    def report_step(
        self,
        step: int,
        entropy_nats: Optional[float] = None,
        *,
        metrics: Optional[Mapping[str, float]] = None,
        for_step: Optional[int] = None,
        timeout: float = 2.0,
    ) -> Directive:
        """Reports step `step`, answers the directive for `for_step`: the same step by default; step + 1 for a trainer that reports after its update.

        `entropy_nats`: mean over all response tokens of the step's batch, before its update. The same step again gets the same directive.
        """
        if self._registration is None:
            raise RuntimeError("register() comes before report_step()")
        observation = steering_pb2.Observation(
            run_id=self._registration.run_id,
            attempt=self._registration.attempt,
            step=step,
            for_step=step if for_step is None else for_step,
            entropy_nats=entropy_nats,
            metrics=dict(metrics or {}),
        )
        if self._last is not None:
            observation.applied_directive_id = self._last.directive_id
            observation.applied_bounds.CopyFrom(self._last.bounds)
            observation.applied_dials.update(self._last.dials)
        request = telemetry_service_pb2.ReportStepRequest(observation=observation)
        end = time.monotonic() + timeout
        try:
            response = self._retry(self._stub.ReportStep, request, end)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                raise
            self._register_again(step, end)
            response = self._retry(self._stub.ReportStep, request, end)
        directive = _directive(response.directive)
        self._last = response.directive
        return directive

    def _register_again(self, step: int, end: float) -> None:
        request = telemetry_service_pb2.RegisterRunRequest()
        request.CopyFrom(self._registration)
        request.resume_from_step = step
        request.apply_schedule = False
        if self._last is not None:
            request.last_directive.CopyFrom(self._last)
        self._retry(self._stub.RegisterRun, request, end)

    @staticmethod
    def _retry(call, request, end: float):
        pause = 0.05
        while True:
            try:
                return call(request, timeout=max(0.001, end - time.monotonic()))
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() + pause >= end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
