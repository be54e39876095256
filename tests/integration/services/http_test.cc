#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "services/runtime/http_server.h"
#include "services/telemetry/metrics_page.h"
#include "services/web/controller_page.h"
#include "tests/testing/scripted_controller.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The whole answer to one GET, by a socket: a client that knows nothing of the server's library.
std::string Get(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request =
        absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    if (send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n = 0; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;)
        answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

TEST(HttpServerTest, TellsHealthReadinessAndMetrics) {
  bool ready = false;
  MetricsPage page("verifier");
  auto server = *HttpServer::Start({.ready = [&] { return ready; }, .metrics = [&] { return page.Text(); }});
  EXPECT_THAT(Get(server->port(), "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 503"));
  ready = true;
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(server->port(), "/metrics"), HasSubstr("entrain_process_info{process=\"verifier\"} 1"));
  EXPECT_THAT(Get(server->port(), "/nothing"), StartsWith("HTTP/1.1 404"));
  server->Stop();
  EXPECT_EQ(Get(server->port(), "/healthz"), "");
}

TEST(HttpServerTest, APortInUseIsUnavailable) {
  auto first = *HttpServer::Start({});
  EXPECT_EQ(HttpServer::Start({.listen = first->address()}).status().code(), absl::StatusCode::kUnavailable);
}

class ControllerPageTest : public ::testing::Test {
 protected:
  ControllerPageTest() : server_(*HttpServer::Start({}, ControllerPageRoutes(controller_))) {
    Registration registration{.run_id = "run-1", .name = "<script>"};
    registration.schedule.clip.eps_std = 0.25;
    EXPECT_TRUE(controller_.Register(registration).ok());
    for (int64_t step = 0; step < 3; ++step) {
      EXPECT_TRUE(
          controller_.ReportStep({.run_id = "run-1", .step = step, .for_step = step, .entropy_nats = 0.5})
              .ok());
    }
  }
  ScriptedController controller_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ControllerPageTest, ThePageNeedsNoOtherHost) {
  const std::string page = Get(server_->port(), "/");
  EXPECT_THAT(page, HasSubstr("<title>entrain controller</title>"));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST_F(ControllerPageTest, RunsAreJson) {
  const std::string runs = Get(server_->port(), "/api/runs");
  EXPECT_THAT(runs, HasSubstr("application/json"));
  EXPECT_THAT(runs, HasSubstr("\"run_id\":\"run-1\""));
  EXPECT_THAT(runs, HasSubstr("\"last_step\":2"));
  EXPECT_THAT(runs, HasSubstr("\"upper\":[0.25,0.0]"));
}

TEST_F(ControllerPageTest, ObservationsAndDirectivesComeFromAStepOn) {
  const std::string observations = Get(server_->port(), "/api/runs/run-1/observations?from=2");
  EXPECT_THAT(observations, HasSubstr("[{\"entropy\":0.5,\"metrics\":{},\"step\":2}]"));
  EXPECT_THAT(Get(server_->port(), "/api/runs/run-1/directives?max=1"), HasSubstr("\"step\":0"));
  EXPECT_THAT(Get(server_->port(), "/api/runs/run-1/revisions"), HasSubstr("\"reason\":\"registration\""));
}

TEST_F(ControllerPageTest, ErrorsSayWhatIsWrong) {
  const std::string unknown = Get(server_->port(), "/api/runs/other/observations");
  EXPECT_THAT(unknown, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(unknown, HasSubstr("\"error\""));
  const std::string malformed = Get(server_->port(), "/api/runs/run-1/observations?from=x");
  EXPECT_THAT(malformed, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(malformed, HasSubstr("from: expected a number of at least 0"));
}

}  // namespace
}  // namespace entrain
