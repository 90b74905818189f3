#include "server/wechat/passive_reply.h"

#include <gtest/gtest.h>

#include <string>

#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {
namespace {

const absl::Time kThen = absl::FromUnixSeconds(1348831861);

std::string Xml(const Reply& reply) { return WriteReplyXml("oU", "gh_1", kThen, reply); }
std::string Json(const Reply& reply) { return WriteReplyJson("oU", "gh_1", kThen, reply); }

std::string XmlOf(const std::string& type, const std::string& rest) {
  return "<xml><ToUserName><![CDATA[oU]]></ToUserName><FromUserName><![CDATA[gh_1]]>"
         "</FromUserName><CreateTime>1348831861</CreateTime><MsgType><![CDATA[" +
         type + "]]></MsgType>" + rest + "</xml>";
}
std::string JsonOf(const std::string& type, const std::string& rest) {
  return R"({"ToUserName":"oU","FromUserName":"gh_1","CreateTime":1348831861,"MsgType":")" + type +
         "\"" + rest + "}";
}

TEST(PassiveReplyTest, TextIsExact) {
  EXPECT_EQ(Xml(TextReply{"ok"}), XmlOf("text", "<Content><![CDATA[ok]]></Content>"));
  EXPECT_EQ(Json(TextReply{"中\"\n<a>\\"}), JsonOf("text", R"(,"Content":"中\"\n<a>\\")"));
}

TEST(PassiveReplyTest, ImageAndVoiceAreExact) {
  EXPECT_EQ(Xml(ImageReply{"M1"}),
            XmlOf("image", "<Image><MediaId><![CDATA[M1]]></MediaId></Image>"));
  EXPECT_EQ(Json(ImageReply{"M1"}), JsonOf("image", R"(,"Image":{"MediaId":"M1"})"));
  EXPECT_EQ(Xml(VoiceReply{"M2"}),
            XmlOf("voice", "<Voice><MediaId><![CDATA[M2]]></MediaId></Voice>"));
  EXPECT_EQ(Json(VoiceReply{"M2"}), JsonOf("voice", R"(,"Voice":{"MediaId":"M2"})"));
}

TEST(PassiveReplyTest, VideoIsExact) {
  EXPECT_EQ(Xml(VideoReply{"M", "标题", "说明"}),
            XmlOf("video",
                  "<Video><MediaId><![CDATA[M]]></MediaId><Title><![CDATA[标题]]></Title>"
                  "<Description><![CDATA[说明]]></Description></Video>"));
  EXPECT_EQ(Xml(VideoReply{"M", "", ""}),
            XmlOf("video", "<Video><MediaId><![CDATA[M]]></MediaId></Video>"));
  EXPECT_EQ(Json(VideoReply{"M", "标题", ""}),
            JsonOf("video", R"(,"Video":{"MediaId":"M","Title":"标题"})"));
}

TEST(PassiveReplyTest, MusicIsExact) {
  EXPECT_EQ(Xml(MusicReply{"t", "d", "http://m", "http://h", "T"}),
            XmlOf("music",
                  "<Music><Title><![CDATA[t]]></Title><Description><![CDATA[d]]></Description>"
                  "<MusicUrl><![CDATA[http://m]]></MusicUrl><HQMusicUrl><![CDATA[http://h]]>"
                  "</HQMusicUrl><ThumbMediaId><![CDATA[T]]></ThumbMediaId></Music>"));
  EXPECT_EQ(Xml(MusicReply{"", "", "", "", "T"}),
            XmlOf("music", "<Music><ThumbMediaId><![CDATA[T]]></ThumbMediaId></Music>"));
  EXPECT_EQ(Json(MusicReply{"t", "d", "http://m", "http://h", "T"}),
            JsonOf("music", R"(,"Music":{"Title":"t","Description":"d","MusicUrl":"http://m",)"
                            R"("HQMusicUrl":"http://h","ThumbMediaId":"T"})"));
}

TEST(PassiveReplyTest, NewsIsOneArticleWithItsFourParts) {
  EXPECT_EQ(Xml(NewsReply{"t", "d", "https://u", "https://p"}),
            XmlOf("news",
                  "<ArticleCount>1</ArticleCount><Articles><item><Title><![CDATA[t]]></Title>"
                  "<Description><![CDATA[d]]></Description><PicUrl><![CDATA[https://p]]></PicUrl>"
                  "<Url><![CDATA[https://u]]></Url></item></Articles>"));
  EXPECT_EQ(Json(NewsReply{"t", "", "https://u", ""}),
            JsonOf("news", R"(,"ArticleCount":1,"Articles":[{"Title":"t","Description":"",)"
                           R"("PicUrl":"","Url":"https://u"}])"));
}

TEST(PassiveReplyTest, TransferIsExact) {
  EXPECT_EQ(Xml(TransferReply{}), XmlOf("transfer_customer_service", ""));
  EXPECT_EQ(Xml(TransferReply{"a@b"}),
            XmlOf("transfer_customer_service",
                  "<TransInfo><KfAccount><![CDATA[a@b]]></KfAccount></TransInfo>"));
  EXPECT_EQ(Json(TransferReply{}), JsonOf("transfer_customer_service", ""));
  EXPECT_EQ(Json(TransferReply{"a@b"}),
            JsonOf("transfer_customer_service", R"(,"TransInfo":{"KfAccount":"a@b"})"));
}

TEST(PassiveReplyTest, X17_ValuesCannotLeaveTheirSection) {
  for (const std::string hostile : {"a]]>b", "]]>", "]]]]>>", "<a href=\"x\">中🚚</a>&amp;", "]]",
                                    "]]>"
                                    "</Title></xml>"}) {
    const Reply reply = VideoReply{"M", hostile, hostile};
    const auto xml = ParsePush(WriteReplyXml("o]]>U", "gh_1", kThen, reply));
    ASSERT_TRUE(xml.ok()) << hostile;
    EXPECT_EQ(xml->Field("Video.Title"), hostile);
    EXPECT_EQ(xml->Field("Video.Description"), hostile);
    EXPECT_EQ(xml->to_user, "o]]>U");
    const auto json = ParsePush(WriteReplyJson("o\"U", "gh_1", kThen, reply));
    ASSERT_TRUE(json.ok()) << hostile;
    EXPECT_EQ(json->Field("Video.Title"), hostile);
    EXPECT_EQ(json->to_user, "o\"U");
  }
}

}  // namespace
}  // namespace hongyan::wechat
