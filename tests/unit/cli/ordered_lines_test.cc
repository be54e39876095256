#include "services/cli/ordered_lines.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

// Two ends of a pipe.
struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) {
      read_end = ends[0];
      write_end = ends[1];
    }
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  void CloseRead() { Close(read_end); }
  void CloseWrite() { Close(write_end); }
  void Write(const std::string& text) const {
    for (size_t done = 0; done < text.size();) {
      const ssize_t written = write(write_end, text.data() + done, text.size() - done);
      ASSERT_GT(written, 0);
      done += static_cast<size_t>(written);
    }
  }
  std::string ReadAll() const {
    std::string text;
    char buffer[65536];
    for (ssize_t got; (got = read(read_end, buffer, sizeof(buffer))) > 0;)
      text.append(buffer, static_cast<size_t>(got));
    return text;
  }
  std::string ReadLine() const {
    std::string line;
    for (char c; read(read_end, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  static void Close(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int read_end = -1, write_end = -1;
};

bool Number(int64_t number, absl::string_view line, std::string& out) {
  absl::StrAppend(&out, number, ":", line.size(), ":", line.substr(0, 10), "\n");
  return true;
}

struct Answered {
  absl::Status status;
  std::string text;
};
Answered AnswerText(const std::string& input, const OrderedLinesOptions& options,
                    const AnswerLine& answer = Number) {
  Pipe in, out;
  Answered answered;
  std::thread writer([&] {
    in.Write(input);
    in.CloseWrite();
  });
  std::thread reader([&] { answered.text = out.ReadAll(); });
  answered.status = AnswerLines(in.read_end, out.write_end, options, answer);
  out.CloseWrite();
  writer.join();
  reader.join();
  return answered;
}

class OrderedLines : public ::testing::TestWithParam<int> {
 protected:
  OrderedLinesOptions options_{.threads = GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Threads, OrderedLines, ::testing::Values(1, 4));

TEST_P(OrderedLines, NumbersLinesAndPassesOverEmptyOnes) {
  const Answered answered = AnswerText("a\n\n \t\r\nbcd\r\nlast", options_);
  EXPECT_TRUE(answered.status.ok());
  EXPECT_EQ(answered.text, "1:1:a\n4:4:bcd\r\n5:4:last\n");
  EXPECT_EQ(AnswerText("", options_).text, "");
  EXPECT_EQ(AnswerText("\n\n", options_).text, "");
}

TEST_P(OrderedLines, ManyLinesComeBackInTheirOrder) {
  std::string input, expected;
  for (int i = 1; i <= 60'000; ++i) {
    const std::string line(static_cast<size_t>(i * 7919 % 97 + 1), static_cast<char>('a' + i % 26));
    absl::StrAppend(&input, line, "\n");
    absl::StrAppend(&expected, i, ":", line.size(), ":", line.substr(0, 10), "\n");
  }
  EXPECT_TRUE(AnswerText(input, options_).text == expected);
}

TEST_P(OrderedLines, LinesLongerThanABlockOfReadingAreWhole) {
  const std::string input =
      absl::StrCat("a\n", std::string(1'000'000, 'b'), "\nc\n", std::string(300'000, 'd'));
  EXPECT_EQ(AnswerText(input, options_).text, "1:1:a\n2:1000000:bbbbbbbbbb\n3:1:c\n4:300000:dddddddddd\n");
}

TEST_P(OrderedLines, ALineThatIsTooLongIsCutAndTheNextOneIsWhole) {
  options_.max_line_bytes = 1'000;
  const std::string input = absl::StrCat(std::string(1'000, 'a'), "\n", std::string(1'001, 'b'), "\n",
                                         std::string(3'000'000, 'c'), "\nd\n", std::string(400'000, 'e'));
  EXPECT_EQ(AnswerText(input, options_).text,
            "1:1000:aaaaaaaaaa\n2:1001:bbbbbbbbbb\n3:1001:cccccccccc\n4:1:d\n5:1001:eeeeeeeeee\n");
}

// Somebody who asks one line at a time and waits for its answer must not wait for ever.
TEST_P(OrderedLines, AnswersWhatHasComeBeforeItWaitsForMore) {
  Pipe in, out;
  std::thread answers([&] { EXPECT_TRUE(AnswerLines(in.read_end, out.write_end, options_, Number).ok()); });
  for (int i = 1; i <= 20; ++i) {
    in.Write("x\n");
    EXPECT_EQ(out.ReadLine(), absl::StrCat(i, ":1:x"));
  }
  in.CloseWrite();
  answers.join();
}

TEST_P(OrderedLines, ProgressCountsLinesAndBytesOfWhatIsOut) {
  int64_t lines = 0, bytes = 0;
  options_.progress = [&](int64_t l, int64_t b) {
    EXPECT_GT(l, lines);
    EXPECT_GT(b, bytes);
    lines = l;
    bytes = b;
  };
  AnswerText("a\n\nbc\n", options_);
  EXPECT_EQ(lines, 3);
  EXPECT_EQ(bytes, 6);
}

// The first line waits until the 30th is answered, so the others overtake it.
TEST(OrderedLinesThreads, ASlowLineHoldsTheOutputAndNotTheOthers) {
  std::latch overtaken(1);
  std::string input, expected;
  for (int i = 1; i <= 100; ++i) {
    absl::StrAppend(&input, i, "\n");
    absl::StrAppend(&expected, i, "\n");
  }
  const Answered answered =
      AnswerText(input, {.threads = 2}, [&](int64_t number, absl::string_view line, std::string& out) {
        if (number == 1) overtaken.wait();
        if (number == 30) overtaken.count_down();
        absl::StrAppend(&out, line, "\n");
        return true;
      });
  EXPECT_EQ(answered.text, expected);
}

TEST_P(OrderedLines, AfterAStopOnlyWholeAnswersInOrderAreOut) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  Pipe in, out;
  in.Write("1\n2\n3\n4\n5\n");  // and stays open: the reader waits for more
  const auto answer = [&](int64_t number, absl::string_view line, std::string& text) {
    if (number == 3) stop.request_stop();
    if (number >= 3) return false;
    absl::StrAppend(&text, line, "\n");
    return true;
  };
  const absl::Status status = AnswerLines(in.read_end, out.write_end, options_, answer);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  out.CloseWrite();
  EXPECT_EQ(out.ReadAll(), "1\n2\n");
}

TEST_P(OrderedLines, AStopWakesAReaderThatWaits) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  Pipe in, out;
  std::thread answers([&] {
    EXPECT_EQ(AnswerLines(in.read_end, out.write_end, options_, Number).code(), absl::StatusCode::kCancelled);
  });
  in.Write("x\n");
  EXPECT_EQ(out.ReadLine(), "1:1:x");
  stop.request_stop();
  answers.join();
}

TEST_P(OrderedLines, AnOutputThatIsGoneIsAnErrorThatSaysSo) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Pipe in, out;
  out.CloseRead();
  in.Write("a\nb\nc\n");
  in.CloseWrite();
  const absl::Status status = AnswerLines(in.read_end, out.write_end, options_, Number);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("Broken pipe"));
  std::signal(SIGPIPE, before);
}

TEST_P(OrderedLines, AnInputThatCannotBeReadIsAnErrorThatSaysSo) {
  const int folder = open("/", O_RDONLY | O_CLOEXEC);
  Pipe out;
  const absl::Status status = AnswerLines(folder, out.write_end, options_, Number);
  close(folder);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace entrain
