#include "services/runtime/http_server.h"

#include <httplib.h>

#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/runtime/address.h"

namespace entrain {
namespace {

constexpr size_t kThreads = 4;

class HttplibServer final : public HttpServer {
 public:
  explicit HttplibServer(std::vector<HttpRoute> routes) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_keep_alive_max_count(100);
    server_.set_keep_alive_timeout(2);
    server_.set_read_timeout(5);
    server_.set_write_timeout(5);
    server_.set_payload_max_length(64 * 1024);
    // httplib's default sets SO_REUSEPORT, by which two processes would share a port at random.
    server_.set_socket_options([](auto socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    for (HttpRoute& route : routes) Serve(std::move(route));
  }
  ~HttplibServer() override { Stop(); }

  bool Listen(const HostPort& address) {
    HostPort bound = address;
    if (address.port == 0) {
      const int port = server_.bind_to_any_port(address.host.c_str());
      if (port <= 0) return false;
      bound.port = static_cast<uint16_t>(port);
    } else if (!server_.bind_to_port(address.host.c_str(), address.port)) {
      return false;
    }
    port_ = bound.port;
    address_ = bound.ToString();
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() does nothing before the loop runs.
    while (!server_.is_running()) std::this_thread::yield();
    return true;
  }

  const std::string& address() const override { return address_; }
  int port() const override { return port_; }
  void Stop() override {
    std::call_once(stopped_, [this] {
      if (!thread_.joinable()) return;
      server_.stop();
      thread_.join();
    });
  }

 private:
  void Serve(HttpRoute route) {
    server_.Get(route.pattern, [handler = std::move(route.handler)](const httplib::Request& request,
                                                                    httplib::Response& response) {
      HttpRequest asked{.path = request.path};
      for (size_t i = 1; i < request.matches.size(); ++i) asked.groups.push_back(request.matches[i].str());
      for (const auto& [name, value] : request.params) asked.query.emplace(name, value);
      HttpResponse answer;
      try {
        answer = handler(asked);
      } catch (const std::exception& e) {
        answer = {.status = 500, .body = absl::StrCat("internal error: ", e.what(), "\n")};
      }
      response.status = answer.status;
      // The pages hold what strangers wrote (names, reasons): never let a browser guess another type.
      response.set_header("X-Content-Type-Options", "nosniff");
      response.set_header("Cache-Control", "no-store");
      response.set_content(answer.body, answer.content_type.c_str());
    });
  }

  httplib::Server server_;
  std::string address_;
  int port_ = 0;
  std::once_flag stopped_;
  std::thread thread_;
};

std::vector<HttpRoute> StandardRoutes(HttpServerOptions& options) {
  std::vector<HttpRoute> routes;
  routes.push_back({"/healthz", [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; }});
  routes.push_back({"/readyz", [ready = std::move(options.ready)](const HttpRequest&) {
                      if (!ready || ready()) return HttpResponse{.body = "ok\n"};
                      return HttpResponse{.status = 503, .body = "not ready\n"};
                    }});
  if (options.metrics) {
    routes.push_back({"/metrics", [metrics = std::move(options.metrics)](const HttpRequest&) {
                        return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                            .body = metrics()};
                      }});
  }
  return routes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                              std::vector<HttpRoute> routes) {
  ENTRAIN_ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(options.listen));
  if (!IsLoopback(address.host) && !options.insecure) {
    return absl::FailedPreconditionError(absl::StrCat(
        "listen: HTTP on ", options.listen,
        " can be reached from other machines and has no TLS; listen on 127.0.0.1 or give --insecure"));
  }
  std::vector<HttpRoute> all = StandardRoutes(options);
  for (HttpRoute& route : routes) all.push_back(std::move(route));
  auto server = std::make_unique<HttplibServer>(std::move(all));
  if (!server->Listen(address)) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen, " (in use, or not an address of this machine)"));
  }
  return server;
}

}  // namespace entrain
