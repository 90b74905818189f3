#include "server/wechat/message_kind.h"

#include <algorithm>
#include <cstdlib>

namespace hongyan::wechat {
namespace {

constexpr MessageKindTraits kKinds[] = {
    {
        .kind = model::MessageKind::kText,
        .name = "text",
        .api = "/cgi-bin/message/custom/send",
        .repeat_recognized = false,
        .spends_allowance = true,
        .receipt_follows = false,
    },
    {
        .kind = model::MessageKind::kTemplate,
        .name = "template",
        .api = "/cgi-bin/message/template/send",
        .repeat_recognized = true,
        .spends_allowance = false,
        .receipt_follows = true,
    },
};

}  // namespace

absl::Span<const MessageKindTraits> MessageKinds() { return kKinds; }

const MessageKindTraits& GetTraits(model::MessageKind kind) {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [kind](const auto& each) { return each.kind == kind; });
  if (row == std::end(kKinds)) std::abort();  // each kind has its row
  return *row;
}

}  // namespace hongyan::wechat
