#include "common/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "absl/strings/escaping.h"

namespace entrain {

struct Digester::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Digester::Digester() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) std::abort();
}

Digester::~Digester() = default;

void Digester::Update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) std::abort();
}

void Digester::Update(absl::string_view text) { Update(std::as_bytes(std::span(text.data(), text.size()))); }

std::array<std::byte, 32> Digester::FinishBytes() {
  std::array<std::byte, 32> out;
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), &size) != 1)
    std::abort();
  return out;
}

std::string Digester::Finish() {
  const std::array<std::byte, 32> out = FinishBytes();
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(out.data()), out.size()));
}

std::string DigestOf(absl::string_view bytes) {
  Digester digester;
  digester.Update(bytes);
  return digester.Finish();
}

std::string DigestOf(std::span<const float> values) {
  Digester digester;
  digester.Update(std::as_bytes(values));
  return digester.Finish();
}

}  // namespace entrain
