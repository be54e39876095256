#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// Feeds a run's standard input and takes its standard output and error, without ever blocking on one of them.
// Single-threaded; `run` must outlive it.
class RunPipes {
 public:
  explicit RunPipes(SandboxRun& run) : run_(run) {}

  // Behind what waits to be written. What a program that no longer reads does not take is dropped.
  void Send(absl::string_view bytes);
  // Closes the input when everything is written.
  void EndInput();
  size_t unsent() const { return to_write_.size() - written_; }
  // Its standard output is not taken while this is set, so that a flood waits in the program.
  void Pause(bool pause) { paused_ = pause; }

  bool output_open() const { return output_open_; }
  bool open() const { return output_open_ || errors_open_; }
  std::string& output() { return output_; }              // all that came and that the caller has not taken
  const std::string& errors() const { return errors_; }  // the end of standard error, at most 4 KiB
  int64_t error_bytes() const { return error_bytes_; }   // of all that came

  // Waits until something can be read or written, at most `timeout`, and does it.
  static void Move(std::span<RunPipes* const> pipes, absl::Duration timeout);

 private:
  void Write();
  void ReadOutput();
  void ReadErrors();

  SandboxRun& run_;
  std::string to_write_;
  size_t written_ = 0;
  bool input_open_ = true, end_input_ = false;
  bool output_open_ = true, errors_open_ = true, paused_ = false;
  std::string output_, errors_;
  int64_t error_bytes_ = 0;
};

// A run that is over, and what it wrote.
struct FinishedRun {
  SandboxOutcome outcome;
  std::string output, errors;  // as RunPipes gives them
};

// Runs a request to its end on `input`; `stop` kills it. A status is our own failure.
absl::StatusOr<FinishedRun> RunToEnd(Sandbox& sandbox, const SandboxRequest& request, absl::string_view input,
                                     const std::stop_token& stop);

}  // namespace entrain
