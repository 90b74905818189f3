#include <algorithm>
#include <utility>
#include <vector>

#include "client/cli/batch_file.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"
#include "client/cli/read_call.h"
#include "client/cli/requests.h"

namespace hongyan::cli {
namespace {

// Ten pages of WeChat's: a call stays short, and output begins early.
constexpr std::size_t kOpenidsPerCall = 1000;

constexpr Wording kGet = {"user get", "查询用户"};
constexpr Wording kBatch = {"user batch", "批量查询用户"};

// Those of the command line, then those of the file.
absl::StatusOr<std::vector<std::string>> CollectOpenids(const UserBatchArgs& args,
                                                        Console& console) {
  std::vector<std::string> openids = args.openids;
  for (const std::string& openid : openids) {
    if (absl::Status status = CheckOpenid(openid); !status.ok()) return status;
  }
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

}  // namespace

int RunUserGet(client::Client& client, const GlobalArgs& global, const UserGetArgs& args,
               Console& console) {
  const auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  const auto response = client.GetUserInfo(*request, ToOptions(global));
  if (!response.ok()) return FailRead(response.status(), kGet, global, console);
  if (global.output == OutputForm::kJson) {
    console.out << UserJson(response->user()) << "\n";
  } else {
    console.out << UserTable(response->user(), console.zone);
  }
  return kExitOk;
}

int RunUserBatch(client::Client& client, const GlobalArgs& global, const UserBatchArgs& args,
                 Console& console) {
  const absl::StatusOr<std::vector<std::string>> openids = CollectOpenids(args, console);
  if (!openids.ok()) return Usage(console, openids.status());
  std::vector<v1::UserInfo> users;
  absl::Status failure;
  for (std::size_t from = 0; from < openids->size() && failure.ok(); from += kOpenidsPerCall) {
    const std::size_t to = std::min(from + kOpenidsPerCall, openids->size());
    v1::BatchGetUserInfoRequest request;
    request.set_account(global.account);
    request.set_lang(args.lang);
    for (std::size_t i = from; i < to; ++i) request.add_openids((*openids)[i]);
    const auto response = client.BatchGetUserInfo(request, ToOptions(global));
    if (!response.ok()) {
      failure = response.status();
      break;
    }
    for (const v1::UserInfo& user : response->users()) {
      if (global.output == OutputForm::kJson) {
        console.out << UserJson(user) << "\n";
      } else {
        users.push_back(user);
      }
    }
  }
  // What was read before a failure is shown too.
  if (!users.empty()) console.out << UsersTable(users, console.zone);
  console.out.flush();
  return failure.ok() ? kExitOk : FailRead(failure, kBatch, global, console);
}

}  // namespace hongyan::cli
