#include "verifier/sandbox/confine/run_message.h"

#include <cstring>

namespace entrain::confine {
namespace {

template <typename T>
void Put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutText(std::string& out, const std::string& text) {
  Put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

class Reader {
 public:
  explicit Reader(const std::string& body) : body_(body) {}

  template <typename T>
  bool Take(T& value) {
    if (body_.size() - at_ < sizeof(value)) return false;
    memcpy(&value, body_.data() + at_, sizeof(value));
    at_ += sizeof(value);
    return true;
  }
  bool TakeText(std::string& text) {
    uint64_t size = 0;
    if (!Take(size) || size > body_.size() - at_) return false;
    text = body_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool done() const { return at_ == body_.size(); }

 private:
  const std::string& body_;
  size_t at_ = 0;
};

}  // namespace

std::string Encode(const RunRequest& request) {
  std::string body;
  Put(body, request.limits);
  Put(body, request.probe);
  PutText(body, request.python_program);
  Put(body, static_cast<uint64_t>(request.argv.size()));
  for (const std::string& argument : request.argv) PutText(body, argument);
  Put(body, static_cast<uint64_t>(request.files.size()));
  for (const auto& [name, content] : request.files) {
    PutText(body, name);
    PutText(body, content);
  }
  std::string message;
  PutText(message, body);
  return message;
}

bool Decode(const std::string& body, RunRequest& request) {
  Reader reader(body);
  uint64_t arguments = 0, files = 0;
  if (!reader.Take(request.limits) || !reader.Take(request.probe) ||
      !reader.TakeText(request.python_program) || !reader.Take(arguments)) {
    return false;
  }
  for (uint64_t i = 0; i < arguments; ++i) {
    if (!reader.TakeText(request.argv.emplace_back())) return false;
  }
  if (!reader.Take(files)) return false;
  for (uint64_t i = 0; i < files; ++i) {
    auto& [name, content] = request.files.emplace_back();
    if (!reader.TakeText(name) || !reader.TakeText(content)) return false;
  }
  return reader.done();
}

}  // namespace entrain::confine
