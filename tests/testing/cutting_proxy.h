#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace entrain {

// A real TCP relay on loopback between a client and a server, which breaks the first connection once it has
// carried so many bytes in a direction; later connections live. Good for what a broken network does in the
// middle of a message. One connection at a time.
class CuttingProxy {
 public:
  // `server` is host:port with a numeric host. A limit of −1 never cuts.
  CuttingProxy(const std::string& server, int64_t cut_upload_after, int64_t cut_download_after)
      : server_(AddressOf(server)), left_{cut_upload_after, cut_download_after} {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(listener_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 || listen(listener_, 8) != 0)
      std::abort();
    socklen_t length = sizeof own;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &length);
    address_ = "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
    thread_ = std::jthread([this](const std::stop_token& stop) { Serve(stop); });
  }
  ~CuttingProxy() {
    thread_.request_stop();
    thread_.join();
    close(listener_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  const std::string& address() const { return address_; }
  int cuts() const { return cuts_; }
  // Breaks the connection that is open, and returns when it is broken.
  void Cut() {
    cut_asked_ = true;
    while (cut_asked_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  static sockaddr_in AddressOf(const std::string& text) {
    const size_t colon = text.rfind(':');
    sockaddr_in address{.sin_family = AF_INET,
                        .sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(colon + 1))))};
    if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) std::abort();
    return address;
  }
  static bool Readable(int file, const std::stop_token& stop) {
    pollfd poller{.fd = file, .events = POLLIN};
    while (!stop.stop_requested()) {
      if (poll(&poller, 1, 20) > 0) return true;
    }
    return false;
  }
  void Serve(const std::stop_token& stop) {
    while (Readable(listener_, stop)) {
      const int client = accept(listener_, nullptr, nullptr);
      const int upstream = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(upstream, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) == 0)
        Relay(client, upstream, stop);
      close(client);
      close(upstream);
    }
  }
  void Relay(int client, int upstream, const std::stop_token& stop) {
    const int ends[] = {client, upstream};
    std::vector<char> bytes(16384);
    while (!stop.stop_requested()) {
      if (cut_asked_) {
        shutdown(client, SHUT_RDWR);
        ++cuts_;
        cut_asked_ = false;
        return;
      }
      pollfd pollers[] = {{.fd = client, .events = POLLIN}, {.fd = upstream, .events = POLLIN}};
      if (poll(pollers, 2, 20) <= 0) continue;
      for (int from = 0; from < 2; ++from) {
        if (pollers[from].revents == 0) continue;
        ssize_t count = read(ends[from], bytes.data(), bytes.size());
        if (count <= 0) return;
        const bool cut = cuts_ == 0 && left_[from] >= 0 && count >= left_[from];
        if (cut) count = left_[from];
        for (ssize_t sent = 0; sent < count;) {
          const ssize_t written = send(ends[1 - from], bytes.data() + sent, count - sent, MSG_NOSIGNAL);
          if (written <= 0) return;
          sent += written;
        }
        if (cut) {
          ++cuts_;
          return;
        }
        if (cuts_ == 0 && left_[from] >= 0) left_[from] -= count;
      }
    }
  }

  const sockaddr_in server_;
  int64_t left_[2];  // upload, download
  int listener_ = -1;
  std::string address_;
  std::atomic<int> cuts_ = 0;
  std::atomic<bool> cut_asked_ = false;
  std::jthread thread_;
};

}  // namespace entrain
