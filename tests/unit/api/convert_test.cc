#include "server/api/convert.h"

#include <gtest/gtest.h>

#include "server/wechat/message_kind.h"

namespace hongyan::api {
namespace {

v1::DeliveryKind KindInProto(model::MessageKind kind) {
  model::Delivery delivery;
  delivery.kind = kind;
  v1::Delivery proto;
  ToProto(delivery, proto);
  return proto.kind();
}

TEST(ConvertTest, EveryKindOfMessageHasItsDeliveryKind) {
  EXPECT_EQ(KindInProto(model::MessageKind::kText), v1::DELIVERY_KIND_TEXT);
  EXPECT_EQ(KindInProto(model::MessageKind::kTemplate), v1::DELIVERY_KIND_TEMPLATE);
  for (const wechat::MessageKindTraits& row : wechat::MessageKinds()) {
    EXPECT_NE(KindInProto(row.kind), v1::DELIVERY_KIND_UNSPECIFIED) << row.name;
  }
}

}  // namespace
}  // namespace hongyan::api
