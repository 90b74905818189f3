// Every sample of tests/data/pushes becomes the event that is written beside it; then what is odd,
// one by one.
#include "server/api/event_convert.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "server/core/push_type.h"

namespace hongyan::api {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The samples' file names in order.
std::vector<std::string> Samples() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(HONGYAN_TEST_PUSHES)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".xml" || path.extension() == ".json") names.push_back(path.filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// As the service does it, but for what it adds.
v1::Event Convert(const std::string& body) {
  v1::Event event;
  const auto push = wechat::ParsePush(body);
  EXPECT_TRUE(push.ok()) << push.status();
  if (!push.ok()) return event;
  event.set_openid(core::Classify(*push).openid);
  if (push->create_time) event.mutable_create_time()->set_seconds(*push->create_time);
  ToProto(*push, core::Classify(*push).recorded_type(), event);
  return event;
}

v1::Event Xml(const std::string& msg_type, const std::string& inside) {
  return Convert(
      "<xml><ToUserName>gh_1</ToUserName><FromUserName>oU</FromUserName><CreateTime>1714037059"
      "</CreateTime><MsgType>" +
      msg_type + "</MsgType>" + inside + "</xml>");
}

v1::Event XmlEvent(const std::string& name, const std::string& inside) {
  return Xml("event", "<Event>" + name + "</Event>" + inside);
}

v1::Event Json(const std::string& inside) {
  return Convert(R"({"ToUserName":"gh_1","FromUserName":"oU","CreateTime":1714037059,)" + inside +
                 "}");
}

v1::Event Expected(const fs::path& sample) {
  v1::Event event;
  const fs::path path = fs::path(sample).replace_extension(".textproto");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(ReadFile(path), &event)) << path;
  return event;
}

class PushCorpus : public testing::TestWithParam<std::string> {};

TEST_P(PushCorpus, BecomesTheEventBesideIt) {
  const fs::path sample = fs::path(HONGYAN_TEST_PUSHES) / GetParam();
  const v1::Event expected = Expected(sample);
  const v1::Event event = Convert(ReadFile(sample));
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(expected, event)) << differences;
}

INSTANTIATE_TEST_SUITE_P(All, PushCorpus, testing::ValuesIn(Samples()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(PushCorpusTest, HasEveryFieldOfEveryPayload) {
  const auto* descriptor = v1::Event::descriptor();
  // Messages and fields by full name, of what some expectation sets to anything but its default.
  std::set<std::string> seen;
  const auto look = [&](const auto& self, const google::protobuf::Message& message) -> void {
    seen.insert(message.GetDescriptor()->full_name());
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const auto* field : fields) {
      seen.insert(field->full_name());
      if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const auto* reflection = message.GetReflection();
      if (!field->is_repeated()) self(self, reflection->GetMessage(message, field));
      for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
        self(self, reflection->GetRepeatedMessage(message, field, i));
      }
    }
  };
  for (const std::string& sample : Samples()) {
    look(look, Expected(fs::path(HONGYAN_TEST_PUSHES) / sample));
  }
  // Of these no sample has another value than the default.
  const std::set<std::string> missing = {
      "hongyan.v1.UnsubscribeEvent.event_key", "hongyan.v1.UnknownEvent.truncated",
      "hongyan.v1.SubscriptionReceiptEvent.Item.error_code",
      "hongyan.v1.MassSendReceiptEvent.CopyrightCheck.user_declare_state",
      "hongyan.v1.MassSendReceiptEvent.CopyrightCheck.need_replace_content"};
  const auto need = [&](const auto& self, const google::protobuf::Descriptor* message) -> void {
    EXPECT_TRUE(seen.count(message->full_name())) << message->full_name();
    for (int i = 0; i < message->field_count(); ++i) {
      const auto* field = message->field(i);
      // These have a test of their own.
      if (field->name() == "msg_data_id" || field->name() == "idx") continue;
      EXPECT_EQ(seen.count(field->full_name()), 1 - missing.count(field->full_name()))
          << field->full_name();
      if (field->message_type() != nullptr && !field->is_map()) self(self, field->message_type());
    }
  };
  const auto* payload = descriptor->FindOneofByName("payload");
  ASSERT_EQ(payload->field_count(), 29);
  for (int i = 0; i < payload->field_count(); ++i) {
    EXPECT_TRUE(seen.count(payload->field(i)->full_name())) << payload->field(i)->full_name();
    EXPECT_TRUE(IsEventType(payload->field(i)->name())) << payload->field(i)->name();
    if (payload->field(i)->name() != "verification") {  // it holds Timestamps, without nanos
      need(need, payload->field(i)->message_type());
    }
  }
}

TEST(EventConvertTest, TypeIsThePayloadsName) {
  const auto* payload = v1::Event::descriptor()->FindOneofByName("payload");
  for (const std::string& sample : Samples()) {
    const v1::Event event = Convert(ReadFile(fs::path(HONGYAN_TEST_PUSHES) / sample));
    const auto* field = event.GetReflection()->GetOneofFieldDescriptor(event, payload);
    ASSERT_NE(field, nullptr) << sample;
    EXPECT_EQ(event.type(), field->name()) << sample;
  }
}

TEST(EventConvertTest, OnlyTheListsTypesAreTypes) {
  for (const char* type : {"", "TEXT", "shortvideo", "location_event", "payload", "cursor"}) {
    EXPECT_FALSE(IsEventType(type)) << type;
  }
}

// Oddities.

TEST(EventConvertTest, BothSpellingsOfTheMessageId) {
  EXPECT_EQ(Xml("text", "<Content>a</Content><MsgID>7</MsgID>").text().msg_id(), 7);
  EXPECT_EQ(XmlEvent("TEMPLATESENDJOBFINISH", "<MsgId>90261533849829378</MsgId>")
                .template_receipt()
                .msg_id(),
            90261533849829378);
  // Past 2^53, as a number and as a string.
  EXPECT_EQ(Json(R"("MsgType":"text","Content":"a","MsgId":9007199254740993)").text().msg_id(),
            9007199254740993);
  EXPECT_EQ(Json(R"("MsgType":"text","Content":"a","MsgId":"9007199254740993")").text().msg_id(),
            9007199254740993);
}

TEST(EventConvertTest, EveryMessageTellsItsArticle) {
  const auto* payload = v1::Event::descriptor()->FindOneofByName("payload");
  for (const char* type : {"text", "image", "voice", "video", "shortvideo", "location", "link",
                           "miniprogrampage", "file"}) {
    const v1::Event event =
        Xml(type, "<MsgId>7</MsgId><MsgDataId>2247483801</MsgDataId><Idx>2</Idx>");
    const auto* field = event.GetReflection()->GetOneofFieldDescriptor(event, payload);
    ASSERT_NE(field, nullptr) << type;
    const auto& message = event.GetReflection()->GetMessage(event, field);
    const std::string text = message.ShortDebugString();
    EXPECT_EQ(text, "msg_id: 7 msg_data_id: 2247483801 idx: 2") << type;
  }
}

TEST(EventConvertTest, EventNamesInAnyCase) {
  EXPECT_EQ(XmlEvent("templatesendjobfinish", "<MsgID>1</MsgID>").type(), "template_receipt");
  EXPECT_EQ(XmlEvent("Subscribe", "").type(), "subscribe");
  EXPECT_EQ(XmlEvent("scan", "<EventKey>1</EventKey>").scan().scene(), "1");
  EXPECT_EQ(XmlEvent("PIC_WEIXIN", "").pictures().event(), "pic_weixin");
  EXPECT_EQ(XmlEvent("Kf_Create_Session", "").kf_session().event(), "kf_create_session");
}

TEST(EventConvertTest, LocationIsTwoThings) {
  EXPECT_EQ(Xml("location", "<Location_X>1.5</Location_X><MsgId>1</MsgId>").location().location_x(),
            1.5);
  EXPECT_EQ(XmlEvent("location", "<Latitude>1.5</Latitude>").location_report().latitude(), 1.5);
}

TEST(EventConvertTest, SceneHasNoPrefix) {
  const auto key = [](const std::string& value) {
    return XmlEvent("subscribe", "<EventKey>" + value + "</EventKey>").subscribe();
  };
  EXPECT_EQ(key("qrscene_5").scene(), "5");
  EXPECT_EQ(key("qrscene_5").event_key(), "qrscene_5");
  EXPECT_EQ(key("qrscene_").scene(), "");
  EXPECT_EQ(key("last_trade_no_4003472001").scene(), "");
  EXPECT_EQ(key("last_trade_no_4003472001").event_key(), "last_trade_no_4003472001");
  EXPECT_EQ(XmlEvent("subscribe", "").type(), "subscribe");
  // Somebody's own scene may begin so; then it isn't WeChat's prefix.
  EXPECT_EQ(XmlEvent("SCAN", "<EventKey>qrscene_5</EventKey>").scan().scene(), "qrscene_5");
}

TEST(EventConvertTest, ListOfOneAndOfMany) {
  const std::string event = R"("MsgType":"event","Event":"subscribe_msg_sent_event","List":)";
  const std::string a = R"({"TemplateId":"a","MsgID":"1","ErrorCode":"0","ErrorStatus":"success"})";
  const std::string b = R"({"MsgID":2,"TemplateId":"b","ErrorStatus":"x","ErrorCode":43101})";
  const v1::Event one = Json(event + a);
  ASSERT_EQ(one.subscription_receipt().list_size(), 1);
  EXPECT_EQ(one.subscription_receipt().list(0).msg_id(), 1);
  EXPECT_EQ(one.subscription_receipt().list(0).error_status(), "success");
  const v1::Event two = Json(event + "[" + a + "," + b + "]");
  ASSERT_EQ(two.subscription_receipt().list_size(), 2);
  EXPECT_EQ(two.subscription_receipt().list(1).template_id(), "b");
  EXPECT_EQ(two.subscription_receipt().list(1).msg_id(), 2);
  EXPECT_EQ(two.subscription_receipt().list(1).error_code(), 43101);
  const v1::Event none = Json(event + "[]");
  EXPECT_EQ(none.type(), "subscription_receipt");
  EXPECT_EQ(none.subscription_receipt().list_size(), 0);
}

TEST(EventConvertTest, WrapperInJsonIsTakenToo) {
  const v1::Event event =
      Json(R"("MsgType":"event","Event":"subscribe_msg_popup_event",)"
           R"("SubscribeMsgPopupEvent":{"List":[{"TemplateId":"a"},{"TemplateId":"b"}]})");
  ASSERT_EQ(event.subscription_popup().list_size(), 2);
  EXPECT_EQ(event.subscription_popup().list(1).template_id(), "b");
}

TEST(EventConvertTest, ListsInJsonWithAndWithoutItem) {
  for (const char* list : {R"([{"PicMd5Sum":"a"},{"PicMd5Sum":"b"}])",
                           R"({"item":[{"PicMd5Sum":"a"},{"PicMd5Sum":"b"}]})"}) {
    const v1::Event event = Json(std::string(R"("MsgType":"event","Event":"pic_weixin",)") +
                                 R"("SendPicsInfo":{"Count":"2","PicList":)" + list + "}");
    const auto& info = event.pictures().send_pics_info();
    EXPECT_EQ(info.count(), 2);
    ASSERT_EQ(info.pic_list_size(), 2) << list;
    EXPECT_EQ(info.pic_list(1).pic_md5_sum(), "b");
  }
}

TEST(EventConvertTest, CreateTimeAsString) {
  const v1::Event event = Convert(
      R"({"FromUserName":"oU","CreateTime":"1620973045","MsgType":"event","Event":"subscribe"})");
  EXPECT_EQ(event.type(), "subscribe");
  EXPECT_EQ(event.create_time().seconds(), 1620973045);
}

TEST(EventConvertTest, NumbersThatAreNoneAreZero) {
  const v1::Event event = Xml("location",
                              "<MsgId>1</MsgId><Location_X>north</Location_X><Location_Y>nan"
                              "</Location_Y><Scale>99999999999</Scale><Label>x</Label>");
  EXPECT_EQ(event.type(), "location");
  EXPECT_EQ(event.location().location_x(), 0);
  EXPECT_EQ(event.location().location_y(), 0);
  EXPECT_EQ(event.location().scale(), 0);
  EXPECT_EQ(event.location().label(), "x");
  EXPECT_EQ(XmlEvent("LOCATION", "<Precision>1e999</Precision>").location_report().precision(), 0);
  for (const char* time : {"soon", "0", "-1", "253402300800", "9223372036854775808"}) {
    const v1::Event expired =
        XmlEvent("annual_renew", "<ExpiredTime>" + std::string(time) + "</ExpiredTime>");
    EXPECT_EQ(expired.type(), "verification");
    EXPECT_FALSE(expired.verification().has_expired_time()) << time;
  }
}

TEST(EventConvertTest, UserOfAUserInfoChangeIsNotTheSender) {
  EXPECT_EQ(XmlEvent("user_info_modified", "<OpenID>oReal</OpenID>").openid(), "oReal");
  EXPECT_EQ(XmlEvent("user_info_modified", "<openid>oReal</openid>").openid(), "oReal");
  EXPECT_EQ(XmlEvent("USER_INFO_MODIFIED", "").openid(), "oU");
  EXPECT_EQ(XmlEvent("subscribe", "<OpenID>oOther</OpenID>").openid(), "oU");
}

TEST(EventConvertTest, AbsentPartsAreAbsent) {
  EXPECT_FALSE(
      XmlEvent("scancode_push", "<EventKey>1</EventKey>").scan_code().has_scan_code_info());
  EXPECT_FALSE(XmlEvent("MASSSENDJOBFINISH", "<MsgID>1</MsgID>")
                   .mass_send_receipt()
                   .has_copyright_check_result());
  EXPECT_FALSE(XmlEvent("PUBLISHJOBFINISH", "").publish_receipt().has_publish_event_info());
}

// Unknown types and broken pushes.

TEST(EventConvertTest, X08_UnknownTypesKeepTheirFields) {
  const v1::Event event =
      XmlEvent("hologram", "<A><B>1</B></A><C/><L><N>1</N></L><L><N>2</N></L><L><N>3</N></L>");
  EXPECT_EQ(event.type(), "unknown");
  const auto& fields = event.unknown().fields();
  EXPECT_EQ(fields.size(), 10u);
  EXPECT_EQ(fields.at("ToUserName"), "gh_1");
  EXPECT_EQ(fields.at("Event"), "hologram");
  EXPECT_EQ(fields.at("A.B"), "1");
  EXPECT_EQ(fields.at("C"), "");
  EXPECT_EQ(fields.at("L.N"), "1");
  EXPECT_EQ(fields.at("L.N[1]"), "2");
  EXPECT_EQ(fields.at("L.N[2]"), "3");
  EXPECT_FALSE(event.unknown().truncated());
  EXPECT_EQ(Xml("hardware", "<MsgId>1</MsgId>").type(), "unknown");
  EXPECT_EQ(Xml("", "<MsgId>1</MsgId>").type(), "unknown");
  EXPECT_EQ(XmlEvent("", "").type(), "unknown");
  EXPECT_EQ(XmlEvent("text", "").type(), "unknown");
  EXPECT_EQ(Xml("subscribe", "<MsgId>1</MsgId>").type(), "unknown");
}

TEST(EventConvertTest, X08_ANameThatLooksLikeARepeatTakesNothingAway) {
  const v1::Event event =
      Convert(R"({"MsgType":"hologram","a[1]":"one","a":["x","y","z"],"a[2]":"two"})");
  const auto& fields = event.unknown().fields();
  EXPECT_EQ(fields.size(), 6u);
  EXPECT_EQ(fields.at("a"), "x");
  EXPECT_EQ(fields.at("a[1]"), "one");
  EXPECT_EQ(fields.at("a[2]"), "y");
  EXPECT_EQ(fields.at("a[3]"), "z");
  EXPECT_EQ(fields.at("a[2][1]"), "two");
}

TEST(EventConvertTest, X08_MissingOrBrokenEnvelopeIsUnknown) {
  const std::string who = "<FromUserName>oU</FromUserName>";
  const std::string when = "<CreateTime>1714037059</CreateTime>";
  const std::string what = "<MsgType>text</MsgType><Content>a</Content><MsgId>1</MsgId>";
  const auto type = [](const std::string& inside) {
    return Convert("<xml>" + inside + "</xml>").type();
  };
  ASSERT_EQ(type(who + when + what), "text");
  EXPECT_EQ(type(when + what), "unknown");
  EXPECT_EQ(type(who + what), "unknown");
  EXPECT_EQ(type(who + when), "unknown");
  EXPECT_EQ(type(who + when + "<MsgType>text</MsgType><Content>a</Content>"), "unknown");
  EXPECT_EQ(type("<FromUserName>o U</FromUserName>" + when + what), "unknown");
  EXPECT_EQ(type("<FromUserName>" + std::string(129, 'o') + "</FromUserName>" + when + what),
            "unknown");
  for (const char* time : {"abc", "", "-1", "1.5", "9223372036854775808", "253402300800"}) {
    EXPECT_EQ(type(who + "<CreateTime>" + time + "</CreateTime>" + what), "unknown") << time;
  }
  for (const char* id : {"x", "1.5", "9223372036854775808", "49d7_15"}) {
    const std::string element = "<MsgId>" + std::string(id) + "</MsgId>";
    const v1::Event message = Xml("text", "<Content>a</Content>" + element);
    EXPECT_EQ(message.type(), "unknown") << id;
    EXPECT_EQ(message.unknown().fields().at("MsgId"), id);
    EXPECT_EQ(message.unknown().fields().at("Content"), "a");
    EXPECT_EQ(XmlEvent("TEMPLATESENDJOBFINISH", element).type(), "unknown") << id;
  }
}

TEST(EventConvertTest, X08_ATypeThatNobodyKnowsIsUnknown) {
  wechat::PushedEvent push;
  push.fields = {{"Content", "a"}};
  v1::Event event;
  ToProto(push, "from_the_future", event);
  EXPECT_EQ(event.type(), "unknown");
  EXPECT_EQ(event.unknown().fields().at("Content"), "a");
}

TEST(EventConvertTest, X05_UnknownFieldsAreBounded) {
  wechat::PushedEvent push;
  for (std::size_t i = 0; i < kMaxUnknownFields; ++i) push.fields.emplace_back("F", "1");
  v1::Event event;
  ToProto(push, "unknown", event);
  EXPECT_EQ(event.unknown().fields().size(), kMaxUnknownFields);
  EXPECT_FALSE(event.unknown().truncated());
  push.fields.emplace_back("F", "1");
  event.Clear();
  ToProto(push, "unknown", event);
  EXPECT_EQ(event.unknown().fields().size(), kMaxUnknownFields);
  EXPECT_TRUE(event.unknown().truncated());

  push.fields = {{"A", "1"}, {std::string(kMaxUnknownBytes, 'n'), "x"}, {"B", "1"}};
  event.Clear();
  ToProto(push, "unknown", event);
  EXPECT_EQ(event.unknown().fields().size(), 1u);
  EXPECT_TRUE(event.unknown().truncated());
}

TEST(EventConvertTest, X06_TextsOfAPayloadAreUtf8) {
  // Parsing replaces what is ill-formed, so that the event can be serialized.
  const v1::Event event = Xml("text", "<Content>a\xff&#xD800;\x01z</Content><MsgId>1</MsgId>");
  EXPECT_EQ(event.text().content(), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
  v1::Event copy;
  EXPECT_TRUE(copy.ParseFromString(event.SerializeAsString()));
}

}  // namespace
}  // namespace hongyan::api
