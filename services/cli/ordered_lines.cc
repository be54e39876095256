#include "services/cli/ordered_lines.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

constexpr size_t kBlockBytes = 256u << 10;  // of one read
// A slice is what one thread answers before it takes another: as many lines as take about this long, so that
// cheap lines cost little handing over and dear ones are spread over all threads.
constexpr double kSliceSeconds = 1e-3;
constexpr double kMaxSliceLines = 1024;
constexpr size_t kSlicesAheadPerThread = 64;

absl::Status Failed(const char* what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return Failed("the output cannot be written");
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Whole lines of one block, and the answers to them.
struct Slice {
  std::shared_ptr<const char[]> block;
  absl::string_view text;  // in block; every line with its line break, but for the last one of the input
  int64_t first_number = 0;
  int64_t lines = 0;
  std::string answers;
  bool done = false;
  bool called_off = false;  // answers of a part only
};

// Answers the slice. Seconds a line, by the clock: for the size of the next slices only.
double Answer(const AnswerLine& answer, size_t max_line_bytes, Slice& slice) {
  const absl::Duration begin = Clock::Real().Monotonic();
  int64_t number = slice.first_number;
  for (absl::string_view rest = slice.text; !rest.empty() && !slice.called_off; ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const absl::string_view line = rest.substr(0, std::min(end, max_line_bytes + 1));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    slice.called_off = !answer(number, line, slice.answers);
  }
  return absl::ToDoubleSeconds(Clock::Real().Monotonic() - begin) / static_cast<double>(slice.lines);
}

// Reads whole lines a block at a time.
class BlockReader {
 public:
  BlockReader(int fd, size_t max_line_bytes, std::stop_token stop)
      : fd_(fd),
        max_line_bytes_(max_line_bytes),
        stop_(std::move(stop)),
        wake_fd_(eventfd(0, EFD_CLOEXEC)),
        on_stop_(std::in_place, stop_, [this] { Wake(); }) {}
  ~BlockReader() {
    on_stop_.reset();
    close(wake_fd_);
  }

  struct Lines {
    std::shared_ptr<const char[]> block;
    absl::string_view text;  // empty: the end of the input
  };
  // What has come of whole lines; waits for at least one. The last line of the input may have no line break.
  absl::StatusOr<Lines> Next() {
    while (true) {
      if (stop_.stop_requested()) return absl::CancelledError("stopped");
      if (used_ == capacity_) Renew(absl::string_view(block_.get(), used_));
      pollfd fds[2] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno != EINTR) return Failed("the input cannot be waited for");
      if (fds[1].revents != 0 || fds[0].revents == 0) continue;
      const ssize_t got = read(fd_, block_.get() + used_, capacity_ - used_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed("the input cannot be read");
      if (got == 0) return Take(used_);
      const absl::string_view news(block_.get() + used_, static_cast<size_t>(got));
      const size_t end = news.rfind('\n');
      used_ += news.size();
      if (end != absl::string_view::npos) return Take(used_ - news.size() + end + 1);
      // Nothing behind the limit is kept of a line that is too long.
      used_ = std::min(used_, max_line_bytes_ + 1);
    }
  }

 private:
  void Wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t eight = write(wake_fd_, &one, sizeof(one));  // an eventfd takes them whole
  }

  Lines Take(size_t bytes) {
    const Lines lines{block_, absl::string_view(block_.get(), bytes)};
    Renew(absl::string_view(block_.get() + bytes, used_ - bytes));
    return lines;
  }
  // A new block with `kept` at its front. Twice as large when a line fills the old one, so that a long line
  // is copied a few times only.
  void Renew(absl::string_view kept) {
    capacity_ = kept.size() + std::max(kBlockBytes, kept.size());
    std::shared_ptr<char[]> block(new char[capacity_]);
    if (!kept.empty()) std::memcpy(block.get(), kept.data(), kept.size());
    used_ = kept.size();
    block_ = std::move(block);  // last: `kept` may be of the old one
  }

  const int fd_;
  const size_t max_line_bytes_;
  const std::stop_token stop_;
  const int wake_fd_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  std::shared_ptr<char[]> block_;
  size_t used_ = 0, capacity_ = 0;
};

class LineStream {
 public:
  LineStream(int in, int out, const OrderedLinesOptions& options, const AnswerLine& answer)
      : reader_(in, options.max_line_bytes, options.stop), out_(out), options_(options), answer_(answer) {}

  absl::Status Run() {
    std::vector<std::jthread> threads;
    if (options_.threads > 1) {
      for (int i = 0; i < options_.threads; ++i) threads.emplace_back([this] { Work(); });
    }
    const absl::Status read = Read();
    {
      MutexLock lock(mutex_);
      if (!read.ok()) ended_ = true;  // what waits is not begun
      read_all_ = true;
      work_.NotifyAll();
    }
    threads.clear();  // joins
    MutexLock lock(mutex_);
    return failure_.ok() ? read : failure_;
  }

 private:
  absl::Status Read() {
    for (int64_t number = 1; true;) {
      ENTRAIN_ASSIGN_OR_RETURN(BlockReader::Lines lines, reader_.Next());
      if (lines.text.empty()) return absl::OkStatus();
      while (!lines.text.empty()) {
        auto slice = std::make_shared<Slice>(Slice{.block = lines.block, .first_number = number});
        slice->text = Cut(lines.text, *slice);
        number += slice->lines;
        if (!Add(std::move(slice))) return absl::CancelledError("stopped");
      }
    }
  }

  // Takes lines for one slice from the front of `text`.
  absl::string_view Cut(absl::string_view& text, Slice& slice) {
    const int64_t wanted = SliceLines();
    size_t end = 0;
    while (slice.lines < wanted && end < text.size()) {
      end = std::min(text.find('\n', end), text.size() - 1) + 1;
      ++slice.lines;
    }
    const absl::string_view taken = text.substr(0, end);
    text.remove_prefix(end);
    return taken;
  }

  int64_t SliceLines() {
    MutexLock lock(mutex_);
    return static_cast<int64_t>(std::clamp(kSliceSeconds / seconds_per_line_, 1.0, kMaxSliceLines));
  }

  // False when nothing more is to be answered.
  bool Add(std::shared_ptr<Slice> slice) {
    MutexLock lock(mutex_);
    const size_t window = kSlicesAheadPerThread * static_cast<size_t>(options_.threads);
    while (in_order_.size() >= window && !ended_) room_.Wait(mutex_);
    if (ended_) return false;
    in_order_.push_back(slice);
    if (options_.threads > 1) {
      waiting_.push_back(std::move(slice));
      work_.NotifyOne();
      return true;
    }
    mutex_.Unlock();
    const double pace = Answer(answer_, options_.max_line_bytes, *slice);
    mutex_.Lock();
    Finish(*slice, pace);
    return !ended_;
  }

  void Work() {
    MutexLock lock(mutex_);
    while (true) {
      while (waiting_.empty() && !read_all_ && !ended_) work_.Wait(mutex_);
      if (ended_ || waiting_.empty()) return;
      const std::shared_ptr<Slice> slice = std::move(waiting_.front());
      waiting_.pop_front();
      mutex_.Unlock();
      const double pace = Answer(answer_, options_.max_line_bytes, *slice);
      mutex_.Lock();
      Finish(*slice, pace);
    }
  }

  // A slice is answered: writes what is now complete, unless another thread is about to.
  void Finish(Slice& slice, double pace) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    slice.done = true;
    seconds_per_line_ = 0.5 * (seconds_per_line_ + pace);
    if (writing_) return;
    writing_ = true;
    while (!in_order_.empty() && in_order_.front()->done && !stop_writing_) {
      const std::shared_ptr<Slice> front = std::move(in_order_.front());
      in_order_.pop_front();
      room_.NotifyOne();
      mutex_.Unlock();
      const absl::Status written = WriteAll(out_, front->answers);
      lines_out_ += front->lines;
      bytes_out_ += static_cast<int64_t>(front->text.size());
      if (written.ok() && options_.progress) options_.progress(lines_out_, bytes_out_);
      mutex_.Lock();
      if (!written.ok() || front->called_off) End(written);
    }
    writing_ = false;
  }

  void End(const absl::Status& failure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (failure_.ok()) failure_ = failure;
    ended_ = stop_writing_ = true;
    room_.NotifyAll();
    work_.NotifyAll();
  }

  BlockReader reader_;
  const int out_;
  const OrderedLinesOptions& options_;
  const AnswerLine& answer_;
  int64_t lines_out_ = 0, bytes_out_ = 0;  // of whoever is writing_
  Mutex mutex_;
  CondVar work_, room_;
  std::deque<std::shared_ptr<Slice>> in_order_ ABSL_GUARDED_BY(mutex_);  // not written yet
  std::deque<std::shared_ptr<Slice>> waiting_ ABSL_GUARDED_BY(mutex_);   // not begun yet
  double seconds_per_line_ ABSL_GUARDED_BY(mutex_) = kSliceSeconds;
  bool read_all_ ABSL_GUARDED_BY(mutex_) = false;      // the reader adds no more
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;         // no slice is begun any more
  bool stop_writing_ ABSL_GUARDED_BY(mutex_) = false;  // what is done from here on is not written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status AnswerLines(int in, int out, const OrderedLinesOptions& options, const AnswerLine& answer) {
  return LineStream(in, out, options, answer).Run();
}

}  // namespace entrain
