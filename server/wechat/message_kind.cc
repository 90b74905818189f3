#include "server/wechat/message_kind.h"

namespace hongyan::wechat {

const MessageKindTraits& GetTraits(model::MessageKind kind) {
  static constexpr MessageKindTraits kText = {
      .name = "text",
      .api = "/cgi-bin/message/custom/send",
      .repeat_recognized = false,
      .spends_allowance = true,
      .receipt_follows = false,
  };
  static constexpr MessageKindTraits kTemplate = {
      .name = "template",
      .api = "/cgi-bin/message/template/send",
      .repeat_recognized = true,
      .spends_allowance = false,
      .receipt_follows = true,
  };
  return kind == model::MessageKind::kText ? kText : kTemplate;
}

}  // namespace hongyan::wechat
