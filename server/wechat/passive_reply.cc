#include "server/wechat/passive_reply.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/wechat/event_xml.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {
namespace {

namespace json = boost::json;

// A reply as WeChat names its parts; the two forms differ only in how this is written down.
struct Element {
  enum class Kind { kText, kNumber, kGroup, kList };  // kList: one unnamed group, XML calls it item

  Element(const char* n, absl::string_view text) : name(n), text(text) {}
  Element(const char* n, std::int64_t number) : name(n), number(number), kind(Kind::kNumber) {}
  Element(const char* n, Kind k, std::vector<Element> elements)
      : name(n), kind(k), inside(std::move(elements)) {}

  const char* name;
  std::string text;
  std::int64_t number = 0;
  Kind kind = Kind::kText;
  std::vector<Element> inside;
};
using Elements = std::vector<Element>;

void AddUnlessEmpty(const char* name, absl::string_view text, Elements& elements) {
  if (!text.empty()) elements.emplace_back(name, text);
}

void Add(const TextReply& text, Elements& out) {
  out.emplace_back("MsgType", "text");
  out.emplace_back("Content", text.content);
}

void Add(const ImageReply& image, Elements& out) {
  out.emplace_back("MsgType", "image");
  out.emplace_back("Image", Element::Kind::kGroup, Elements{{"MediaId", image.media_id}});
}

void Add(const VoiceReply& voice, Elements& out) {
  out.emplace_back("MsgType", "voice");
  out.emplace_back("Voice", Element::Kind::kGroup, Elements{{"MediaId", voice.media_id}});
}

void Add(const VideoReply& video, Elements& out) {
  Elements inside{{"MediaId", video.media_id}};
  AddUnlessEmpty("Title", video.title, inside);
  AddUnlessEmpty("Description", video.description, inside);
  out.emplace_back("MsgType", "video");
  out.emplace_back("Video", Element::Kind::kGroup, std::move(inside));
}

void Add(const MusicReply& music, Elements& out) {
  Elements inside;
  AddUnlessEmpty("Title", music.title, inside);
  AddUnlessEmpty("Description", music.description, inside);
  AddUnlessEmpty("MusicUrl", music.music_url, inside);
  AddUnlessEmpty("HQMusicUrl", music.hq_music_url, inside);
  inside.emplace_back("ThumbMediaId", music.thumb_media_id);
  out.emplace_back("MsgType", "music");
  out.emplace_back("Music", Element::Kind::kGroup, std::move(inside));
}

void Add(const NewsReply& news, Elements& out) {
  out.emplace_back("MsgType", "news");
  out.emplace_back("ArticleCount", std::int64_t{1});
  out.emplace_back("Articles", Element::Kind::kList,
                   Elements{{"Title", news.title},
                            {"Description", news.description},
                            {"PicUrl", news.picture_url},
                            {"Url", news.url}});
}

void Add(const TransferReply& transfer, Elements& out) {
  out.emplace_back("MsgType", "transfer_customer_service");
  if (transfer.kf_account.empty()) return;
  out.emplace_back("TransInfo", Element::Kind::kGroup,
                   Elements{{"KfAccount", transfer.kf_account}});
}

Elements ListElements(absl::string_view to, absl::string_view from, absl::Time now,
                      const Reply& reply) {
  Elements elements{
      {"ToUserName", to}, {"FromUserName", from}, {"CreateTime", absl::ToUnixSeconds(now)}};
  std::visit([&](const auto& each) { Add(each, elements); }, reply);
  return elements;
}

// Both writers recurse no deeper than a reply goes: two levels.
void AppendXml(const Elements& elements, std::string& out) {
  for (const Element& element : elements) {
    absl::StrAppend(&out, "<", element.name, ">");
    switch (element.kind) {
      case Element::Kind::kText:
        out += Cdata(element.text);
        break;
      case Element::Kind::kNumber:
        absl::StrAppend(&out, element.number);
        break;
      case Element::Kind::kGroup:
        AppendXml(element.inside, out);
        break;
      case Element::Kind::kList:
        out += "<item>";
        AppendXml(element.inside, out);
        out += "</item>";
        break;
    }
    absl::StrAppend(&out, "</", element.name, ">");
  }
}

json::object ToJson(const Elements& elements) {
  json::object object;
  for (const Element& element : elements) {
    json::value& value = object[element.name];
    switch (element.kind) {
      case Element::Kind::kText:
        value = CleanText(element.text);
        break;
      case Element::Kind::kNumber:
        value = element.number;
        break;
      case Element::Kind::kGroup:
        value = ToJson(element.inside);
        break;
      case Element::Kind::kList:
        value = json::array{ToJson(element.inside)};
        break;
    }
  }
  return object;
}

}  // namespace

std::string WriteReplyXml(absl::string_view to, absl::string_view from, absl::Time now,
                          const Reply& reply) {
  std::string out = "<xml>";
  AppendXml(ListElements(to, from, now, reply), out);
  out += "</xml>";
  return out;
}

std::string WriteReplyJson(absl::string_view to, absl::string_view from, absl::Time now,
                           const Reply& reply) {
  return json::serialize(ToJson(ListElements(to, from, now, reply)));
}

}  // namespace hongyan::wechat
