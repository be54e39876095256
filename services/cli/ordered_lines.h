#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace entrain {

// Appends the answer to one line, with its line break, to `out`. False: called off, there is no answer.
// Called on several threads at once.
using AnswerLine = std::function<bool(int64_t number, absl::string_view line, std::string& out)>;

struct OrderedLinesOptions {
  int threads = 1;  // that answer; with 1 there is no other thread than the caller's
  // A longer line is answered by its first max_line_bytes + 1 bytes, so that memory is bounded.
  size_t max_line_bytes = 64u << 20;
  std::stop_token stop;  // no more lines are read; answers that are not begun are not made
  // After a write: lines and bytes of the input whose answers are out, in total. One call at a time.
  std::function<void(int64_t lines, int64_t bytes)> progress;
};

// Reads lines from the descriptor `in` until its end, answers them on several threads and writes the answers
// to the descriptor `out` in the order of the lines. Lines of white space alone are passed over but counted;
// numbers begin at 1. What has come is answered before more is waited for, so two processes may talk in turn
// through a pair of pipes. Only whole answers are written, and none behind a missing one. Memory is bounded:
// a few hundred answers, and as many lines, wait for a slow one.
//
// Cancelled after options.stop, Unavailable when reading or writing failed (errno in the text).
absl::Status AnswerLines(int in, int out, const OrderedLinesOptions& options, const AnswerLine& answer);

}  // namespace entrain
