// Real files: what is refused before it is read.
#include "server/config/environment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EnvironmentTest : public ::testing::Test {
 protected:
  EnvironmentTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "hongyan-config-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~EnvironmentTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) { return (folder_ / name).string(); }
  std::string Write(const std::string& name, const std::string& content) {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  std::string WhyNot(const std::string& path, std::size_t max = 1024) {
    const auto file = SystemEnvironment().read_file(path, max);
    return file.ok() ? "it was read" : std::string(file.status().message());
  }
  // What this process has read since its start.
  static long BytesRead() {
    std::ifstream io("/proc/self/io");
    std::string name;
    long bytes = 0;
    io >> name >> bytes;
    return bytes;
  }
  void ExpectUnreadable(const std::string& path, const std::string& part) {
    SCOPED_TRACE(path);
    EXPECT_THAT(Load(path, SystemEnvironment()).problems, ElementsAre(IsProblem("", 0, part)));
  }

  std::filesystem::path folder_;
};

TEST_F(EnvironmentTest, K01_MissingUnreadableAndOtherThingsThanFiles) {
  ExpectUnreadable(Path("none.yaml"), "can't be read: No such file or directory");
  ExpectUnreadable(folder_.string(), "can't be read: Is a directory");
  ExpectUnreadable("/dev/null", "is neither a file nor a pipe");
  std::filesystem::create_symlink("loop", Path("loop"));
  ExpectUnreadable(Path("loop"), "symbolic links");
  ExpectUnreadable(Write("file", "") + "/x", "Not a directory");
  const std::string locked = Write("locked.yaml", kAccount);
  chmod(locked.c_str(), 0);
  if (geteuid() != 0) ExpectUnreadable(locked, "Permission denied");
}

TEST_F(EnvironmentTest, K01_HundredMegabytesAreRefusedUnread) {
  const std::string path = Write("large.yaml", "");
  ASSERT_EQ(truncate(path.c_str(), 100 << 20), 0);
  const long before = BytesRead();
  ExpectUnreadable(path, "is larger than 1024 KiB");
  EXPECT_LT(BytesRead() - before, 1 << 20);
}

TEST_F(EnvironmentTest, LimitHoldsToTheByteAndForPipes) {
  EXPECT_EQ(SystemEnvironment().read_file(Write("a", std::string(1024, 'a')), 1024)->content.size(),
            1024u);
  EXPECT_THAT(WhyNot(Write("b", std::string(1025, 'a'))), HasSubstr("is larger than 1 KiB"));
  EXPECT_THAT(WhyNot("/proc/self/maps"), HasSubstr("is larger than 1 KiB"));  // its size reads 0

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], kAccount, sizeof(kAccount) - 1),
            static_cast<ssize_t>(sizeof(kAccount) - 1));
  close(ends[1]);
  const auto file = SystemEnvironment().read_file("/dev/fd/" + std::to_string(ends[0]), 1024);
  close(ends[0]);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->content, kAccount);
  EXPECT_TRUE(file->is_pipe);
}

TEST_F(EnvironmentTest, PipeThatNobodyWritesToIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  const auto file = SystemEnvironment().read_file(Path("pipe"), 1024);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->content, "");
}

TEST_F(EnvironmentTest, A08_PipeWhoseWriterDoesNotEndIsGivenUp) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], kAccount, sizeof(kAccount) - 1),
            static_cast<ssize_t>(sizeof(kAccount) - 1));
  EXPECT_EQ(WhyNot("/dev/fd/" + std::to_string(ends[0])), "is a pipe whose writer doesn't end");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(EnvironmentTest, K04_KnowsWhoMayReadAFile) {
  const std::string path = Write("key", "x");
  chmod(path.c_str(), 0640);
  EXPECT_FALSE(SystemEnvironment().read_file(path, 1024)->others_may_read);
  chmod(path.c_str(), 0644);
  EXPECT_TRUE(SystemEnvironment().read_file(path, 1024)->others_may_read);
}

TEST_F(EnvironmentTest, VariablesOfTheProcess) {
  setenv("HONGYAN_TEST_SET", "value", 1);
  unsetenv("HONGYAN_TEST_UNSET");
  const Environment world = SystemEnvironment();
  EXPECT_EQ(world.variable("HONGYAN_TEST_SET"), "value");
  EXPECT_FALSE(world.variable("HONGYAN_TEST_UNSET"));
  unsetenv("HONGYAN_TEST_SET");
}

}  // namespace
}  // namespace hongyan::config
