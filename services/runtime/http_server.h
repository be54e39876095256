#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace entrain {

struct HttpRequest {
  std::string path;
  std::vector<std::string> groups;           // what the pattern's parentheses matched
  std::map<std::string, std::string> query;  // decoded; of a repeated name the first
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// GET of paths that match `pattern` (ECMAScript, the whole path). The handler runs on the server's threads,
// several at once.
struct HttpRoute {
  std::string pattern;
  std::function<HttpResponse(const HttpRequest&)> handler;
};

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";  // host:port; port 0 takes a free one
  bool insecure = false;        // allow an address that other machines reach (this server knows no TLS)
  std::function<bool()> ready;  // for /readyz; absent: ready
  std::function<std::string()> metrics;  // the page of /metrics; absent: 404
};

// A small read-only HTTP server: /healthz (alive: always 200), /readyz (200 or 503), /metrics, and the given
// routes. Thread-safe.
class HttpServer {
 public:
  // FailedPrecondition when the address is not loopback and `insecure` is not set; Unavailable when it cannot
  // be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                           std::vector<HttpRoute> routes = {});
  virtual ~HttpServer() = default;                 // Stop
  virtual const std::string& address() const = 0;  // as bound
  virtual int port() const = 0;
  // Ends running requests and returns when its threads have ended. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace entrain
