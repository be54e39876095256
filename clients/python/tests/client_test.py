"""The client against a server in this process that keeps the contract of TelemetryService for a static schedule."""

import socket
import unittest
from concurrent import futures

import grpc

from entrain.controller.v1 import telemetry_service_pb2, telemetry_service_pb2_grpc
from entrain_controller import Controller, Line

SCHEDULE = {"clip": {"law": "CLIP_LAW_STATIC", "upper": {"line": {"intercept": 0.5, "slope": -0.25}}, "lower": {"off": {}}}}


class StaticController(telemetry_service_pb2_grpc.TelemetryServiceServicer):
    def __init__(self):
        self.registrations = []
        self.observations = []

    def RegisterRun(self, request, context):
        self.registrations.append(request)
        return telemetry_service_pb2.RegisterRunResponse(revision=1)

    def ReportStep(self, request, context):
        if not self.registrations:
            context.abort(grpc.StatusCode.NOT_FOUND, "run is not registered")
        self.observations.append(request.observation)
        response = telemetry_service_pb2.ReportStepResponse()
        response.directive.directive_id = len(self.observations)
        response.directive.step = request.observation.for_step
        response.directive.revision = 1
        clip = self.registrations[-1].schedule.clip
        response.directive.bounds.upper.CopyFrom(clip.upper)
        response.directive.bounds.lower.CopyFrom(clip.lower)
        response.directive.dials["entropy_bonus"] = 0.25
        return response


def serve(servicer, port=0):
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    telemetry_service_pb2_grpc.add_TelemetryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


class ClientTest(unittest.TestCase):
    def test_a_step_gets_its_thresholds(self):
        servicer = StaticController()
        server, port = serve(servicer)
        with Controller(f"127.0.0.1:{port}") as controller:
            self.assertEqual(controller.register("r", SCHEDULE, total_steps=9), 1)
            directive = controller.report_step(4, 0.75, metrics={"kl/old_new": 0.5})
            self.assertEqual((directive.upper, directive.lower, directive.step), (Line(0.5, -0.25), None, 4))
            self.assertEqual(directive.upper.at(1.0), 0.25)
            controller.report_step(5, None, for_step=6)
        first, second = servicer.observations
        self.assertEqual((first.entropy_nats, first.metrics["kl/old_new"]), (0.75, 0.5))
        self.assertFalse(second.HasField("entropy_nats"))
        self.assertEqual((second.for_step, second.applied_directive_id), (6, 1))
        self.assertEqual((dict(first.applied_dials), dict(second.applied_dials)), ({}, {"entropy_bonus": 0.25}))
        self.assertEqual(directive.dials, {"entropy_bonus": 0.25})
        server.stop(None).wait()

    def test_a_controller_that_came_back_without_memory_is_told_again(self):
        server, port = serve(StaticController())
        with Controller(f"127.0.0.1:{port}") as controller:
            controller.register("r", SCHEDULE)
            controller.report_step(0, 1.0)
            server.stop(None).wait()
            servicer = StaticController()
            server, _ = serve(servicer, port)
            directive = controller.report_step(1, 0.9, timeout=20)
            self.assertEqual(directive.step, 1)
        self.assertEqual(servicer.registrations[0].resume_from_step, 1)
        self.assertEqual(servicer.registrations[0].last_directive.directive_id, 1)
        server.stop(None).wait()

    def test_a_controller_that_is_away_is_an_error_by_the_timeout(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with Controller(f"127.0.0.1:{taken.getsockname()[1]}") as controller:
                with self.assertRaises(grpc.RpcError) as caught:
                    controller.register("r", SCHEDULE, timeout=0.5)
        self.assertIn(caught.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))


if __name__ == "__main__":
    unittest.main()
