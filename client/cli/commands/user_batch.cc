#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/batch_file.h"
#include "client/cli/commands/commands.h"
#include "client/cli/commands/user_lang.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"

namespace hongyan::cli {
namespace {

// Ten pages of WeChat's: a call stays short, and output begins early.
constexpr std::size_t kOpenidsPerCall = 1000;

struct UserBatchArgs {
  v1::BatchGetUserInfoRequest request;
  std::vector<std::string> openids;
  std::string file;  // one openid a line; `-`: standard input
};

// Those of the command line, then those of the file.
absl::StatusOr<std::vector<std::string>> CollectOpenids(const UserBatchArgs& args,
                                                        Console& console) {
  std::vector<std::string> openids = args.openids;
  if (!args.file.empty()) {
    const absl::StatusOr<std::string> content = ReadInput(args.file, console.in);
    if (!content.ok()) return content.status();
    for (const BatchLine& line : SplitLines(*content)) {
      openids.emplace_back(line.text);
      if (absl::Status status = CheckOpenid(openids.back()); !status.ok()) {
        return Around({"line $1: $0", "第 $1 行：$0"}, status, line.number);
      }
    }
  }
  if (openids.empty()) {
    return Problem({"give openids, or a file with --file", "请给出 openid，或用 --file 指定文件"});
  }
  return openids;
}

int GetUsers(UserBatchArgs& args, Session& session) {
  Console& console = session.console;
  const absl::StatusOr<std::vector<std::string>> openids = CollectOpenids(args, console);
  if (!openids.ok()) return Usage(console, openids.status());
  args.request.set_account(session.global.account);
  std::vector<v1::UserInfo> users;
  absl::Status failure;
  for (std::size_t from = 0; from < openids->size() && failure.ok(); from += kOpenidsPerCall) {
    const auto begin = openids->begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t count = std::min(kOpenidsPerCall, openids->size() - from);
    args.request.mutable_openids()->Assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    const auto response = session.client.BatchGetUserInfo(args.request, session.options());
    if (!response.ok()) {
      failure = response.status();
      break;
    }
    for (const v1::UserInfo& user : response->users()) {
      if (session.json()) {
        console.out << JsonLine(user);
      } else {
        users.push_back(user);
      }
    }
  }
  // What was read before a failure is shown too.
  if (!users.empty()) console.out << UsersTable(users, console.zone);
  console.out.flush();
  return failure.ok() ? kExitOk : session.Fail({"user batch", "批量查询用户"}, failure);
}

}  // namespace

void AddUserBatch(Command& user) {
  const auto args = std::make_shared<UserBatchArgs>();
  Command batch = user.AddCommand("batch", {"Show many users", "查询多个用户"});
  batch.Check(batch.AddArguments("OPENID", args->openids, {"The users", "各用户的 openid"}),
              CheckOpenid);
  batch.AddFile("--file", args->file,
                {"One openid a line; - reads standard input", "每行一个 openid；- 表示标准输入"});
  AddLang(batch, std::shared_ptr<v1::BatchGetUserInfoRequest>(args, &args->request));
  batch.OnRun({[args](Session& session) { return GetUsers(*args, session); }});
}

}  // namespace hongyan::cli
