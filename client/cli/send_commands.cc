#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"
#include "client/cli/read_call.h"
#include "client/cli/requests.h"

namespace hongyan::cli {
namespace {

// Prints what became of a unary send.
template <typename Response>
int ShowSent(const absl::StatusOr<Response>& response, const Wording& what,
             const GlobalArgs& global, Console& console) {
  if (!response.ok()) {
    ShowError(console, {what, Operation::kSend, global.target}, response.status());
    return kExitFailed;
  }
  const v1::Delivery& delivery = response->delivery();
  if (global.output == OutputForm::kJson) {
    console.out << DeliveryJson(delivery) << "\n";
  } else {
    console.out << DeliveryTable(delivery, console.zone);
  }
  return kExitOk;
}

}  // namespace

int RunSendText(client::Client& client, const GlobalArgs& global, const SendTextArgs& args,
                Console& console) {
  const auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  return ShowSent(client.SendText(*request, ToOptions(global)), {"send text", "发送文本"}, global,
                  console);
}

int RunSendTemplate(client::Client& client, const GlobalArgs& global, const SendTemplateArgs& args,
                    Console& console) {
  const auto request = ToRequest(global, args);
  if (!request.ok()) return Usage(console, request.status());
  return ShowSent(client.SendTemplate(*request, ToOptions(global)),
                  {"send template", "发送模板消息"}, global, console);
}

}  // namespace hongyan::cli
