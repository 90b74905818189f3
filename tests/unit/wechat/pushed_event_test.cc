// The XML and JSON forms of pushes: what is read, what is refused.
#include "server/wechat/pushed_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <random>
#include <string>

#include "server/base/text.h"
#include "server/wechat/event_json.h"
#include "server/wechat/event_xml.h"

namespace hongyan::wechat {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kGood[] =
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<FromUserName><![CDATA[oU]]></FromUserName>\n"
    "<CreateTime>1348831860</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n"
    "<Content><![CDATA[你好 🚚 <b>&amp;]]></Content>\n<MsgId>23456789012345678</MsgId></xml>";
constexpr char kReplacement[] = "\xEF\xBF\xBD";

std::string Xml(const std::string& inside) { return "<xml>" + inside + "</xml>"; }

std::string ContentOf(const std::string& inside) {
  const auto push = ParsePush(Xml("<Content>" + inside + "</Content>"));
  return push.ok() ? push->content : "refused: " + push.status().ToString();
}

bool IsRefused(const std::string& body) {
  return ParsePush(body).status().code() == absl::StatusCode::kInvalidArgument;
}

std::string Repeated(const std::string& piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

// CPU time of this thread, so that a busy machine doesn't count.
template <typename F>
double CpuSeconds(F f) {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  const double begin = now();
  f();
  return now() - begin;
}

// Whether sixteen times the input takes far less than the 256 times of quadratic work; the fastest
// of five runs each. Measured again, up to twenty times, since neighbours take away caches too.
template <typename Make>
testing::AssertionResult ScansInLinearTime(int size, Make make) {
  const auto fastest = [](const std::string& body) {
    double best = 1e9;
    for (int i = 0; i < 5; ++i) best = std::min(best, CpuSeconds([&] { (void)ParsePush(body); }));
    return best;
  };
  double ratio = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    ratio = fastest(make(16 * size)) / fastest(make(size));
    if (ratio < 64) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "16 times the input took " << ratio << " times as long";
}

TEST(PushXml, MessageIsRead) {
  const auto push = ParsePush(kGood);
  ASSERT_TRUE(push.ok()) << push.status();
  EXPECT_EQ(push->format, model::BodyFormat::kXml);
  EXPECT_EQ(push->to_user, "gh_1");
  EXPECT_EQ(push->from_user, "oU");
  EXPECT_EQ(push->create_time, 1348831860);
  EXPECT_EQ(push->msg_type, "text");
  EXPECT_EQ(push->content, "你好 🚚 <b>&amp;");
  EXPECT_EQ(push->msg_id, "23456789012345678");
  EXPECT_FALSE(push->HasEncrypt());
}

TEST(PushXml, NestedFieldsKeepTheirPlace) {
  const auto push = ParsePush(
      Xml("<MsgType>event</MsgType><Event>scancode_push</Event><EventKey>6</EventKey>"
          "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>"
          "<L><item><N>1</N></item><item><N>2</N></item></L><Empty/>"));
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->event, "scancode_push");
  EXPECT_EQ(push->event_key, "6");
  EXPECT_THAT(
      push->fields,
      ElementsAre(Pair("MsgType", "event"), Pair("Event", "scancode_push"), Pair("EventKey", "6"),
                  Pair("ScanCodeInfo.ScanType", "qrcode"), Pair("ScanCodeInfo.ScanResult", "1"),
                  Pair("L.item.N", "1"), Pair("L.item.N", "2"), Pair("Empty", "")));
}

TEST(PushXml, BothSpellingsOfTheMessageId) {
  EXPECT_EQ(ParsePush(Xml("<MsgID>200163836</MsgID>"))->msg_id, "200163836");
  EXPECT_EQ(ParsePush(Xml("<MsgId>1</MsgId>"))->msg_id, "1");
}

TEST(PushXml, EncryptIsSeen) { EXPECT_TRUE(ParsePush(Xml("<Encrypt>x</Encrypt>"))->HasEncrypt()); }

TEST(PushXml, X01_BrokenBodiesAreRefused) {
  const std::string good = kGood;
  std::string utf16 = "\xFF\xFE";
  for (const char c : good) utf16 += {c, '\0'};
  for (const std::string& body :
       {std::string(), std::string(" \n"), utf16, std::string("hello"), good + good, good + "junk",
        good + "<a/>", "junk" + good, std::string("<root><MsgType>text</MsgType></root>"),
        std::string("<XML></XML>"), std::string("<xml></xml2>"), std::string("<xml><a></b></xml>"),
        std::string("<xml><a><b></a></b></xml>"), std::string("</xml>"), std::string("<>"),
        std::string("<xml><1/></xml>"), std::string("<xml>< a/></xml>"), good + "<![CDATA[x]]>"}) {
    EXPECT_TRUE(IsRefused(body)) << body.substr(0, 60);
  }
}

TEST(PushXml, X01_ByteOrderMarkDeclarationAndBlanksAreAccepted) {
  const std::string good = kGood;
  EXPECT_TRUE(ParsePush("\xEF\xBB\xBF" + good).ok());
  EXPECT_TRUE(ParsePush("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + good).ok());
  EXPECT_TRUE(ParsePush("\n " + good + "\n<!-- end -->\n").ok());
}

TEST(PushXml, X02_EveryPrefixIsRefused) {
  const std::string good = kGood;
  for (std::size_t n = 0; n < good.size(); ++n) {
    ASSERT_TRUE(IsRefused(good.substr(0, n))) << n;
  }
}

TEST(PushXml, X03_DepthIsBounded) {
  const auto nested = [](int depth) {
    return Repeated("<xml>", depth) + "x" + Repeated("</xml>", depth);
  };
  EXPECT_TRUE(ParsePush(nested(16)).ok());
  EXPECT_TRUE(IsRefused(nested(17)));
  EXPECT_TRUE(IsRefused(nested(101)));
  EXPECT_TRUE(IsRefused(Repeated("<xml>", 1000000)));
  EXPECT_TRUE(ScansInLinearTime(4000, [](int n) { return Repeated("<xml>", n); }));
}

TEST(PushXml, X04_DtdsEntitiesAndInstructionsAreRefused) {
  const std::string good = kGood;
  for (const std::string& prolog :
       {std::string("<!DOCTYPE xml>"), std::string("<!DOCTYPE xml SYSTEM \"file:///etc/passwd\">"),
        std::string("<!DOCTYPE xml [<!ENTITY a SYSTEM \"http://127.0.0.1:1/\">]>"),
        std::string("<!DOCTYPE xml [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\">%p;]>"),
        std::string("<!DOCTYPE xml [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>"),
        std::string("<?php x?>"), std::string("<?xml-stylesheet href=\"x\"?>"),
        std::string("<?xml version='1.0'?><?xml version='1.0'?>"), std::string("<!ELEMENT a>")}) {
    EXPECT_TRUE(IsRefused(prolog + good)) << prolog;
  }
  EXPECT_TRUE(IsRefused(Xml("<!DOCTYPE x>")));
  EXPECT_TRUE(IsRefused(Xml("<?x?>")));
  EXPECT_TRUE(IsRefused("<xml xmlns:xi=\"http://www.w3.org/2001/XInclude\"><a/></xml>"));
  // XML's own five and characters by number are no entities that somebody declares.
  EXPECT_TRUE(IsRefused(Xml("<Content>&xxe;</Content>")));
  EXPECT_TRUE(IsRefused(Xml("<Content>&nbsp;</Content>")));
  EXPECT_EQ(ContentOf("&lt;&gt;&amp;&apos;&quot;&#65;"), "<>&'\"A");
}

TEST(PushXml, X05_AttributesAndManyElementsAreRefusedInLinearTime) {
  EXPECT_TRUE(IsRefused("<xml a='1'></xml>"));
  EXPECT_TRUE(IsRefused(Xml("<a b=\"c\"/>")));
  EXPECT_TRUE(IsRefused(Xml("<a b></a>")));
  const auto attributes = [](int n) {
    std::string out = "<xml";
    for (int i = 0; i < n; ++i) out += " a" + std::to_string(i) + "=''";
    return out + "></xml>";
  };
  const auto siblings = [](int n) { return Xml(Repeated("<a/>", n)); };
  const auto open = [](int n) { return "<xml>" + Repeated("<!--", n); };
  const auto references = [](int n) { return Xml("<Content>" + Repeated("&#", n) + "</Content>"); };
  EXPECT_TRUE(IsRefused(attributes(6000)));
  EXPECT_TRUE(IsRefused(siblings(16000)));
  EXPECT_TRUE(IsRefused(open(16000)));
  EXPECT_TRUE(ParsePush(references(32000)).ok());
  EXPECT_TRUE(ScansInLinearTime(400, attributes));
  EXPECT_TRUE(ScansInLinearTime(1000, siblings));
  EXPECT_TRUE(ScansInLinearTime(1000, open));
  EXPECT_TRUE(ScansInLinearTime(2000, references));
  EXPECT_TRUE(ParsePush(Xml(Repeated("<a/>", 999))).ok());
  EXPECT_TRUE(IsRefused(Xml(Repeated("<a/>", 1000))));
}

TEST(PushXml, X06_TextInPiecesIsJoined) {
  EXPECT_EQ(ContentOf("<![CDATA[a]]]]><![CDATA[>b]]>"), "a]]>b");
  EXPECT_EQ(ContentOf("<!-- c --><![CDATA[a]]>"), "a");
  EXPECT_EQ(ContentOf("a<!-- c -->b<![CDATA[c]]>d"), "abcd");
  EXPECT_EQ(ContentOf("a &lt; &#x26;&#38; &quot;b&gt;"), "a < && \"b>");
  EXPECT_EQ(ContentOf("&amp;#0;"), "&#0;");
  EXPECT_EQ(ContentOf("&#20320;&#x1F69A;"), "你🚚");
}

TEST(PushXml, X06_IllegalCharactersAreReplaced) {
  const std::string r = kReplacement;
  EXPECT_EQ(ContentOf("a&#0;b"), "a" + r + "b");
  EXPECT_EQ(ContentOf("&#xD800;"), r);
  EXPECT_EQ(ContentOf("&#xDFFF;x"), r + "x");
  EXPECT_EQ(ContentOf("&#xFFFE;"), r);
  EXPECT_EQ(ContentOf("&#x110000;"), r);
  EXPECT_EQ(ContentOf("&#111111111111111111111111111111;"), r);
  EXPECT_EQ(ContentOf("&#x00000000000000000000000000000041;"), "A");
  EXPECT_EQ(ContentOf("&#;"), r);
  EXPECT_EQ(ContentOf("&#12"), r);
  EXPECT_EQ(ContentOf("&#x1;&#9;"), r + "\t");
  EXPECT_EQ(ContentOf("a\x01z\xFFz\xC3"), "a" + r + "z" + r + "z" + r);
  EXPECT_EQ(ContentOf("<![CDATA[\x1b[0m]]>"), r + "[0m");
  EXPECT_EQ(ContentOf(std::string("a\0b", 3)), "a" + r + "b");
}

TEST(PushXml, X02_AnAmpersandThatBeginsNothingIsRefused) {
  for (const char* text : {"a & b", "&", "&amp", "&Amp;", "&;", "&ampx;", "&&amp;", "&你;"}) {
    EXPECT_TRUE(IsRefused(Xml(std::string("<Content>") + text + "</Content>"))) << text;
  }
  EXPECT_EQ(ContentOf("&amp;bcd &quot;&apos;&gt;&lt;"), "&bcd \"'><");
  EXPECT_EQ(ContentOf("&amp;<![CDATA[&amp; & &#1; &xxe;]]>"), "&&amp; & &#1; &xxe;");
}

TEST(PushXml, X06_ACommentDoesNotMakeAReference) {
  EXPECT_TRUE(IsRefused(Xml("<Content>&<!-- c -->#xD800;</Content>")));
  EXPECT_TRUE(IsRefused(Xml("<Content>&<!---->lt;</Content>")));
  EXPECT_EQ(ContentOf("&#<!---->1;"), std::string(kReplacement) + "1;");
}

TEST(PushXml, X06_EveryStringIsUtf8WhateverTheBytes) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    const auto push = ParsePush(Xml("<A>" + byte + "</A><B><![CDATA[" + byte + "x]]></B>"));
    if (!push.ok()) continue;
    for (const auto& [name, value] : push->fields) {
      EXPECT_TRUE(base::IsUtf8(name)) << b;
      EXPECT_TRUE(base::IsUtf8(value)) << b;
    }
  }
}

// Bytes of good bodies changed, removed and copied at random, always the same way.
TEST(PushXml, X06_MutatedBodiesNeverGiveBadStrings) {
  const std::string json =
      R"({"ToUserName":"gh","A":{"B":[1,{"C":"\u4e16"}]},"Content":"你","MsgId":1.5e3})";
  const std::string pieces[] = {"<![CDATA[", "]]>", "&#",  ";", "<",   ">",
                                "/",         "\"",  "\\u", "{", "\xF0"};
  std::mt19937 random(20240501);
  int taken = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string body = round % 2 == 0 ? std::string(kGood) : json;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body.erase(at, random() % 8);
          break;
        case 2:
          body.insert(at, pieces[random() % std::size(pieces)]);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 32));
      }
      if (body.empty()) body = "x";
    }
    const auto push = ParsePush(body);
    if (!push.ok()) continue;
    ++taken;
    for (const auto& [name, value] : push->fields) {
      ASSERT_TRUE(base::IsUtf8(name) && base::IsUtf8(value)) << round;
      ASSERT_EQ(CleanText(value), value) << round;
    }
  }
  // Most changes hit a text; if none were taken the loop would prove nothing.
  EXPECT_GT(taken, 1000);
}

TEST(PushXml, X07_DoubledRoutingFieldsAreRefused) {
  for (const std::string name : {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event",
                                 "EventKey", "MsgId", "MsgID", "Content", "Encrypt"}) {
    EXPECT_TRUE(IsRefused(Xml("<" + name + ">a</" + name + "><" + name + ">a</" + name + ">")))
        << name;
  }
  // Others may repeat; names are case-sensitive; inside another element it is another field.
  EXPECT_TRUE(ParsePush(Xml("<a>1</a><a>2</a>")).ok());
  EXPECT_EQ(
      ParsePush(Xml("<fromusername>x</fromusername><FromUserName>y</FromUserName>"))->from_user,
      "y");
  EXPECT_EQ(ParsePush(Xml("<A><Event>x</Event></A><Event>y</Event>"))->event, "y");
}

TEST(PushXml, X08_OddValuesAreKept) {
  for (const std::string time :
       {"abc", "9223372036854775808", "-1", "", "1.5", "99999999999999999999", "253402300800"}) {
    const auto push = ParsePush(Xml("<CreateTime>" + time + "</CreateTime><MsgType>new</MsgType>"));
    ASSERT_TRUE(push.ok()) << time;
    EXPECT_FALSE(push->create_time.has_value()) << time;
    EXPECT_EQ(push->Field("CreateTime"), time);
  }
  // The last second that the API's Timestamp has.
  EXPECT_EQ(ParsePush(Xml("<CreateTime>253402300799</CreateTime>"))->create_time, 253402300799);
  EXPECT_EQ(ParsePush(Xml("<MsgId>49d7_1555</MsgId>"))->msg_id, "49d7_1555");
  EXPECT_TRUE(ParsePush("<xml/>").ok());
}

TEST(PushJson, MessageIsRead) {
  const auto push = ParsePush(
      R"({"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5","CreateTime":1714112445,)"
      R"("MsgType":"event","Event":"debug_demo","debug_str":"hello \u4e16\n"})");
  ASSERT_TRUE(push.ok()) << push.status();
  EXPECT_EQ(push->format, model::BodyFormat::kJson);
  EXPECT_EQ(push->to_user, "gh_97417a04a28d");
  EXPECT_EQ(push->from_user, "o9AgO5");
  EXPECT_EQ(push->create_time, 1714112445);
  EXPECT_EQ(push->event, "debug_demo");
  EXPECT_EQ(push->Field("debug_str"), "hello 世\n");
}

TEST(PushJson, NestedFieldsAndLongNumbers) {
  const auto push = ParsePush(
      R"({"MsgId":18446744073709551617,"A":{"B":{"C":-1.50},"D":[1,{"E":true},"x"],"F":null},"G":2})");
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->msg_id, "18446744073709551617");
  EXPECT_THAT(
      push->fields,
      ElementsAre(Pair("MsgId", "18446744073709551617"), Pair("A.B.C", "-1.50"), Pair("A.D", "1"),
                  Pair("A.D.E", "true"), Pair("A.D", "x"), Pair("A.F", ""), Pair("G", "2")));
}

TEST(PushJson, X01_BrokenBodiesAreRefused) {
  const std::string good = R"({"MsgType":"text","A":[1,{"B":"c"}]})";
  ASSERT_TRUE(ParsePush(good).ok());
  ASSERT_TRUE(ParsePush("\xEF\xBB\xBF " + good + "\n").ok());
  for (std::size_t n = 0; n < good.size(); ++n) ASSERT_TRUE(IsRefused(good.substr(0, n))) << n;
  for (const char* body : {"[]", "{} {}", "{}x", "{'a':1}", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":01}",
                           "{\"a\":\"\n\"}", "{/**/}", "{\"a\":NaN}"}) {
    EXPECT_TRUE(IsRefused(body)) << body;
  }
}

TEST(PushJson, X03_DepthAndCountAreBounded) {
  EXPECT_TRUE(IsRefused(Repeated("{\"a\":", 100) + "1" + Repeated("}", 100)));
  EXPECT_TRUE(IsRefused("{\"a\":" + Repeated("[", 1000000)));
  EXPECT_TRUE(IsRefused("{\"a\":[" + Repeated("1,", 2000) + "1]}"));
}

TEST(PushJson, X06_StringsAreCleaned) {
  const std::string r = kReplacement;
  EXPECT_EQ(ParsePush("{\"Content\":\"a\xFF\\u0001b\"}")->content, "a" + r + r + "b");
}

TEST(PushJson, X07_DoubledRoutingFieldsAreRefused) {
  EXPECT_TRUE(IsRefused(R"({"FromUserName":"a","FromUserName":"b"})"));
  EXPECT_TRUE(IsRefused(R"({"FromUserName":"a","\u0046romUserName":"b"})"));
}

}  // namespace
}  // namespace hongyan::wechat
