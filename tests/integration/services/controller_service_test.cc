#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <future>
#include <memory>
#include <stop_token>

#include "absl/time/clock.h"
#include "controller/controller.h"
#include "entrain/controller/v1/telemetry_service.grpc.pb.h"
#include "services/adapters/controller_adapter.h"
#include "services/clients/controller_client.h"
#include "services/clients/grpc_steering.h"
#include "services/convert/steering_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/scripted_controller.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

// A controller process: port zero, or the port of one that was killed. Serves `real` instead of the script.
struct Process {
  explicit Process(const std::string& listen = "127.0.0.1:0", ControllerPort* real = nullptr) : pool(2, 64) {
    ControllerPort& port = real != nullptr ? *real : controller;
    telemetry = MakeTelemetryService(port, pool, stop.get_token());
    schedule = MakeScheduleService(port, pool);
    run = MakeRunService(port, pool, stop.get_token());
    grpc::Service* services[] = {telemetry.get(), schedule.get(), run.get()};
    auto started = GrpcServer::Start({.listen = listen}, services);
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }
  ~Process() {
    stop.request_stop();
    server->Shutdown(absl::Seconds(5));
    pool.Close();
  }
  std::stop_source stop;
  ScriptedController controller;
  WorkerPool pool;
  std::unique_ptr<grpc::Service> telemetry, schedule, run;
  std::unique_ptr<GrpcServer> server;
};

Registration SomeRegistration() {
  Registration registration{.run_id = "r", .name = "n", .total_steps = 10};
  registration.schedule.clip.eps_std = 0.25;
  return registration;
}

Observation At(int64_t step) {
  return {.run_id = "r", .attempt = 1, .step = step, .for_step = step, .entropy_nats = 0.5};
}

TEST(ControllerServiceTest, AStepGetsItsDirectiveAndARepeatTheSame) {
  Process process;
  GrpcSteering steering(*OpenChannel(process.server->address()));
  ASSERT_TRUE(steering.Register(SomeRegistration(), absl::Seconds(10)).ok());
  const absl::StatusOr<Directive> directive = steering.Steer(At(0), absl::Seconds(10));
  ASSERT_TRUE(directive.ok()) << directive.status();
  EXPECT_EQ(directive->bounds.upper, (ClipLine{0.25, 0}));
  EXPECT_EQ(*steering.Steer(At(0), absl::Seconds(10)), *directive);
  EXPECT_EQ(steering.Steer(At(1), absl::Seconds(10))->id, 2);
}

TEST(ControllerServiceTest, ATrainerSurvivesAControllerThatIsKilledAndComesBackWithoutMemory) {
  auto process = std::make_unique<Process>();
  const std::string address = process->server->address();
  GrpcSteering steering(*OpenChannel(address));
  ASSERT_TRUE(steering.Register(SomeRegistration(), absl::Seconds(10)).ok());
  const absl::StatusOr<Directive> before = steering.Steer(At(3), absl::Seconds(10));
  ASSERT_TRUE(before.ok());
  process.reset();
  auto answer = std::async(std::launch::async, [&] { return steering.Steer(At(4), absl::Seconds(30)); });
  absl::SleepFor(absl::Milliseconds(300));
  process = std::make_unique<Process>(address);
  const absl::StatusOr<Directive> directive = answer.get();
  ASSERT_TRUE(directive.ok()) << directive.status();
  EXPECT_EQ(directive->step, 4);
  // What it was told: where the trainer stands, and the directive that it used last.
  const std::vector<Registration> told = process->controller.registrations();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].resume_from, 4);
  EXPECT_EQ(told[0].last_directive, *before);
  EXPECT_FALSE(told[0].apply_schedule);
}

TEST(ControllerServiceTest, ATrainerBringsARestoredBackupUpToWhereItIs) {
  char name[] = "/tmp/entrain-backup-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name);
  const std::string file = folder / "controller.sqlite", backup = folder / "backup.sqlite";
  ManualClock clock;
  auto controller = *Controller::Create(file, clock);
  auto process = std::make_unique<Process>("127.0.0.1:0", controller.get());
  const std::string address = process->server->address();
  GrpcSteering steering(*OpenChannel(address));
  const auto restart = [&](const std::string& from) {
    process.reset();
    controller.reset();
    std::filesystem::copy_file(file, backup, std::filesystem::copy_options::skip_existing);
    if (from != file)
      std::filesystem::copy_file(from, file, std::filesystem::copy_options::overwrite_existing);
    controller = *Controller::Create(file, clock);
    process = std::make_unique<Process>(address, controller.get());
  };
  ASSERT_TRUE(steering.Register(SomeRegistration(), absl::Seconds(10)).ok());
  absl::StatusOr<Directive> directive;
  Observation observation;
  const auto steer = [&](int64_t step) {
    observation = At(step);
    if (directive.ok()) {
      observation.applied_directive_id = directive->id;
      observation.applied_bounds = directive->bounds;
    }
    directive = steering.Steer(observation, absl::Seconds(10));
    ASSERT_TRUE(directive.ok()) << directive.status();
  };
  for (int64_t step = 0; step < 3; ++step) steer(step);
  restart(file);
  for (int64_t step = 3; step < 6; ++step) steer(step);
  EXPECT_EQ(directive->id, 6);
  restart(backup);  // it knows directives 1 to 3
  steer(6);
  EXPECT_EQ(directive->id, 7);
  EXPECT_EQ(directive->step, 6);
  const auto audit = controller->ListAudit("r");
  ASSERT_EQ(audit->size(), 1u);
  EXPECT_EQ(audit->front().detail, "directives 4 to 6 are not known here");
  process.reset();
  controller.reset();
  std::filesystem::remove_all(folder);
}

TEST(ControllerServiceTest, ASilentControllerIsUnavailableByTheDeadline) {
  GrpcSteering steering(*OpenChannel("127.0.0.1:1"));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(steering.Register(SomeRegistration(), absl::Milliseconds(300)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(steering.Steer(At(0), absl::Milliseconds(300)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(4));
}

TEST(ControllerServiceTest, ABadObservationIsRefusedByField) {
  Process process;
  GrpcSteering steering(*OpenChannel(process.server->address()));
  ASSERT_TRUE(steering.Register(SomeRegistration(), absl::Seconds(10)).ok());
  Observation bad = At(0);
  bad.metrics["kl/old_new"] = std::nan("");
  const absl::Status status = steering.Steer(bad, absl::Seconds(10)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("observation.metrics[\"kl/old_new\"]: expected a finite number"));
}

TEST(ControllerServiceTest, ASteerStreamAnswersEveryObservationInOrder) {
  Process process;
  const auto stub = controller::v1::TelemetryService::NewStub(*OpenChannel(process.server->address()));
  ASSERT_TRUE(process.controller.Register(SomeRegistration()).ok());
  grpc::ClientContext context;
  auto stream = stub->Steer(&context);
  for (int64_t step = 0; step < 20; ++step) {
    controller::v1::SteerRequest request;
    *request.mutable_observation() = ObservationToProto(At(step));
    ASSERT_TRUE(stream->Write(request));
    controller::v1::SteerResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.directive().step(), step);
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(ControllerServiceTest, ASteerStreamEndsWithTheErrorOfItsObservation) {
  Process process;
  const auto stub = controller::v1::TelemetryService::NewStub(*OpenChannel(process.server->address()));
  grpc::ClientContext context;
  auto stream = stub->Steer(&context);
  controller::v1::SteerRequest request;
  *request.mutable_observation() = ObservationToProto(At(0));
  ASSERT_TRUE(stream->Write(request));
  controller::v1::SteerResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(ControllerServiceTest, OpenStreamsDoNotHoldUpAStop) {
  auto process = std::make_unique<Process>();
  ASSERT_TRUE(process->controller.Register(SomeRegistration()).ok());
  const auto channel = *OpenChannel(process->server->address());
  const auto stub = controller::v1::TelemetryService::NewStub(channel);
  grpc::ClientContext context;
  auto stream = stub->Steer(&context);
  controller::v1::SteerRequest request;
  *request.mutable_observation() = ObservationToProto(At(0));
  controller::v1::SteerResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  ControllerClient client(channel, "ada");
  auto watched =
      std::async(std::launch::async, [&] { return client.Watch("r", [](const auto&) { return true; }); });
  while (process->controller.watchers() == 0) absl::SleepFor(absl::Milliseconds(1));
  const absl::Time begin = absl::Now();
  process.reset();  // the grace is 5 s
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(watched.get().code(), absl::StatusCode::kUnavailable);
}

class PeopleTest : public ::testing::Test {
 protected:
  PeopleTest() { EXPECT_TRUE(process_.controller.Register(SomeRegistration()).ok()); }
  Process process_;
  ControllerClient client_{*OpenChannel(process_.server->address()), "ada"};
};

TEST_F(PeopleTest, AnEditBecomesARevisionWithAuthorAndReason) {
  const absl::StatusOr<ControllerPort::Revision> first = client_.GetSchedule("r");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->schedule, SomeRegistration().schedule);
  Schedule wider = first->schedule;
  wider.clip.eps_std = 0.4;
  const auto edited = client_.EditSchedule(
      {.run_id = "r", .schedule = wider, .etag = first->etag, .reason = "more entropy", .effective_step = 7});
  ASSERT_TRUE(edited.ok()) << edited.status();
  EXPECT_EQ(edited->revision.revision, 2);
  EXPECT_EQ(edited->revision.author, "unverified:ada");
  EXPECT_EQ(edited->revision.reason, "more entropy");
  EXPECT_EQ(edited->revision.effective_step, 7);
  EXPECT_EQ(edited->diff, "revision 1 -> 2");
  EXPECT_EQ(client_.GetSchedule("r")->schedule, wider);
  EXPECT_EQ(client_.GetSchedule("r", 1)->schedule, first->schedule);
}

TEST_F(PeopleTest, AStaleEtagIsAbortedAndNamesTheNewest) {
  const absl::Status status =
      client_.EditSchedule({.run_id = "r", .schedule = Schedule{}, .etag = "stale", .reason = "x"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("etag-1"));
}

TEST_F(PeopleTest, AnEditNeedsEtagAndReason) {
  EXPECT_THAT(
      std::string(
          client_.EditSchedule({.run_id = "r", .schedule = Schedule{}, .reason = "x"}).status().message()),
      HasSubstr("etag: expected"));
  EXPECT_THAT(
      std::string(
          client_.EditSchedule({.run_id = "r", .schedule = Schedule{}, .etag = "etag-1"}).status().message()),
      HasSubstr("reason: expected"));
  EXPECT_THAT(std::string(client_.Hold("r", "").message()), HasSubstr("reason: expected"));
}

TEST_F(PeopleTest, ValidateOnlyChangesNothing) {
  ASSERT_TRUE(
      client_
          .EditSchedule(
              {.run_id = "r", .schedule = Schedule{}, .etag = "etag-1", .reason = "x", .validate_only = true})
          .ok());
  EXPECT_EQ(client_.ListRevisions("r")->size(), 1u);
}

TEST_F(PeopleTest, ARollBackIsANewRevision) {
  ASSERT_TRUE(
      client_.EditSchedule({.run_id = "r", .schedule = Schedule{}, .etag = "etag-1", .reason = "try"}).ok());
  const auto back =
      client_.EditSchedule({.run_id = "r", .to_revision = 1, .etag = "etag-2", .reason = "undo"});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->revision.revision, 3);
  EXPECT_EQ(back->revision.schedule, SomeRegistration().schedule);
  const auto revisions = client_.ListRevisions("r", 2);
  ASSERT_EQ(revisions->size(), 2u);
  EXPECT_EQ((*revisions)[0].revision, 3);
  EXPECT_EQ(*client_.Diff("r", 1, 3), "1 -> 3");
}

TEST_F(PeopleTest, PreviewAndReplayArriveWhole) {
  Schedule schedule;
  schedule.clip.eps_std = 0.3;
  const auto preview = client_.Preview(schedule, 3, 9, {{0, 0.5}, {2, 0.25}});
  ASSERT_TRUE(preview.ok()) << preview.status();
  ASSERT_EQ(preview->size(), 3u);
  EXPECT_EQ((*preview)[2].bounds.lower, (ClipLine{0.3, 0}));
  EXPECT_EQ((*preview)[2].reason, "9/2");
  EXPECT_THAT(std::string(client_.Preview(schedule, 0, {}, {}).status().message()),
              HasSubstr("num_steps: expected"));
  ASSERT_TRUE(process_.controller.ReportStep(At(0)).ok());
  const auto replay = client_.Replay("r", schedule);
  ASSERT_EQ(replay->size(), 1u);
  EXPECT_EQ((*replay)[0].replayed.bounds.upper, (ClipLine{0.3, 0}));
  EXPECT_EQ((*replay)[0].recorded->upper, (ClipLine{0.25, 0}));
}

TEST_F(PeopleTest, HistoryIsListedFromAStepOn) {
  for (int64_t step = 0; step < 5; ++step) ASSERT_TRUE(process_.controller.ReportStep(At(step)).ok());
  const auto observations = client_.ListObservations("r", 2, 2);
  ASSERT_EQ(observations->size(), 2u);
  EXPECT_EQ((*observations)[0].step, 2);
  EXPECT_EQ(client_.ListDirectives("r")->size(), 5u);
  EXPECT_EQ(client_.GetRun("r")->last_step, 4);
  EXPECT_EQ(client_.GetRun("r")->last_entropy_nats, 0.5);
  EXPECT_EQ(client_.ListRuns()->size(), 1u);
  EXPECT_EQ(client_.GetRun("other").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(client_.Hold("r", "look").ok());
  ASSERT_TRUE(client_.Release("r", "seen").ok());
  const auto audit = client_.ListAudit("r");
  ASSERT_EQ(audit->size(), 2u);
  EXPECT_EQ((*audit)[0].author, "unverified:ada");
  EXPECT_EQ((*audit)[1].action, "release");
}

TEST_F(PeopleTest, AWatcherSeesEverythingInOrder) {
  std::vector<int64_t> steps;
  auto watched = std::async(std::launch::async, [&] {
    return client_.Watch("r", [&](const ControllerPort::Event& event) {
      if (const auto* directive = std::get_if<Directive>(&event)) steps.push_back(directive->step);
      return steps.size() < 50;
    });
  });
  while (process_.controller.watchers() == 0) absl::SleepFor(absl::Milliseconds(1));
  for (int64_t step = 0; step < 50; ++step) ASSERT_TRUE(process_.controller.ReportStep(At(step)).ok());
  EXPECT_TRUE(watched.get().ok());
  std::vector<int64_t> expected(50);
  for (int64_t step = 0; step < 50; ++step) expected[static_cast<size_t>(step)] = step;
  EXPECT_EQ(steps, expected);
  // A watcher that left is forgotten.
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (process_.controller.watchers() != 0 && absl::Now() < end) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(process_.controller.watchers(), 0u);
}

TEST_F(PeopleTest, WatchingAnUnknownRunIsNotFound) {
  EXPECT_EQ(client_.Watch("other", [](const auto&) { return true; }).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace entrain
