#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// Cuts what the fuzzer made into N fields at the byte 0x1f ("unit separator"), which text seldom holds, so
// that a corpus file can be read and written by hand. Missing fields are empty; the last one keeps the rest.
template <size_t N>
std::array<absl::string_view, N> SplitFields(absl::string_view input) {
  std::array<absl::string_view, N> fields;
  for (size_t i = 0; i < N; ++i) {
    const size_t end = i + 1 < N ? input.find('\x1f') : absl::string_view::npos;
    fields[i] = input.substr(0, end);
    input.remove_prefix(end == absl::string_view::npos ? input.size() : end + 1);
  }
  return fields;
}

// Ends the program, which libFuzzer reports as a finding with the input that led here.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// Processor time that one input may take: judging bounds its work, so an input that takes longer has found a
// hole in a limit. Sanitizers slow the code down by a factor of five to ten; a stated limit of 10 ms in a
// release build becomes this. Counts this thread's time only, so a busy machine makes no findings.
class WorkBound {
 public:
  static constexpr double kSeconds = 0.1;
  WorkBound() : start_(Now()) {}
  void Check(const char* what) const {
    const double spent = Now() - start_;
    if (spent <= kSeconds) return;
    std::fprintf(stderr, "%s took %.3f s of processor time\n", what, spent);
    std::abort();
  }

 private:
  static double Now() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  const double start_;
};

}  // namespace entrain
