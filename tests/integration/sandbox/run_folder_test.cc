#include "verifier/sandbox/confine/run_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/temporary_folder.h"

namespace entrain::confine {
namespace {

class RunFolderTest : public testing::Test {
 protected:
  RunFolderTest() : descriptor_(open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~RunFolderTest() override { close(descriptor_); }

  TemporaryFolder folder_;
  const int descriptor_;
};

TEST_F(RunFolderTest, CountsBytesAndFilesAndFollowsNoLink) {
  ASSERT_TRUE(WriteFiles(descriptor_, {{"a", std::string(8192, 'x')}, {"b", ""}}));
  std::filesystem::create_directory(folder_ / "c");
  std::ofstream(folder_ / "c/d") << std::string(4096, 'x');
  std::filesystem::create_symlink("/usr", folder_ / "link");
  const FolderUse use = MeasureFolder(descriptor_, 100);
  EXPECT_EQ(use.files, 5);  // a, b, c, c/d, link
  EXPECT_GE(use.bytes, 8192 + 4096);
  EXPECT_LT(use.bytes, 64 << 10);  // /usr is far larger
  EXPECT_FALSE(use.hidden);
}

TEST_F(RunFolderTest, CountsNoFurtherThanAskedFor) {
  for (int i = 0; i < 50; ++i) std::ofstream(folder_ / std::to_string(i)) << "x";
  EXPECT_EQ(MeasureFolder(descriptor_, 10).files, 11);
}

TEST_F(RunFolderTest, AFolderThatCannotBeReadIsHidden) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every folder";
  std::filesystem::create_directory(folder_ / "closed");
  chmod((folder_ / "closed").c_str(), 0);
  EXPECT_TRUE(MeasureFolder(descriptor_, 10).hidden);
}

TEST_F(RunFolderTest, WritesNoFileTwiceAndNotThroughALink) {
  std::filesystem::create_symlink(folder_ / "target", folder_ / "link");
  EXPECT_FALSE(WriteFiles(descriptor_, {{"link", "x"}}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "target"));
  EXPECT_FALSE(WriteFiles(descriptor_, {{"a", "1"}, {"a", "2"}}));
}

// Deeper than a path can be long (4096 bytes) and than this process may have files open.
TEST_F(RunFolderTest, EmptiesADeepFolder) {
  const std::string name(200, 'd');
  int at = dup(descriptor_);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(mkdirat(at, name.c_str(), 0700), 0);
    const int next = openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
    close(at);
    at = next;
  }
  close(at);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{32, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  EmptyFolder(descriptor_);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(RunFolderTest, EmptiesClosedFoldersLinksAndNamesThatItUsesItself) {
  for (const char* name :
       {"a", "a/b", "a/b/c", ".moved-0", ".moved-0/.moved-1", ".moved-0/.moved-1/x", ".moved-2"}) {
    std::filesystem::create_directory(folder_ / name);
  }
  std::ofstream(folder_ / ".moved-2/y") << "y";
  std::ofstream(folder_ / ".moved-3") << "y";
  std::filesystem::create_symlink("/usr", folder_ / "a/link");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"a/b/c", "a/b", "a"}) chmod((folder_ / name).c_str(), 0);
  EmptyFolder(descriptor_);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_TRUE(std::filesystem::exists("/usr/bin/env"));
}

}  // namespace
}  // namespace entrain::confine
