#include "server/endpoints/handler/reply_convert.h"

namespace hongyan::endpoints {

std::optional<core::Reply> FromProto(const v1::HandleEventResponse& response) {
  switch (response.reply_case()) {
    case v1::HandleEventResponse::kText:
      return wechat::TextReply{response.text().content()};
    case v1::HandleEventResponse::kImage:
      return wechat::ImageReply{response.image().media_id()};
    case v1::HandleEventResponse::kVoice:
      return wechat::VoiceReply{response.voice().media_id()};
    case v1::HandleEventResponse::kVideo:
      return wechat::VideoReply{response.video().media_id(), response.video().title(),
                                response.video().description()};
    case v1::HandleEventResponse::kMusic:
      return wechat::MusicReply{response.music().title(), response.music().description(),
                                response.music().music_url(), response.music().hq_music_url(),
                                response.music().thumb_media_id()};
    case v1::HandleEventResponse::kNews:
      return wechat::NewsReply{response.news().title(), response.news().description(),
                               response.news().url(), response.news().picture_url()};
    case v1::HandleEventResponse::kTransfer:
      return wechat::TransferReply{response.transfer().kf_account()};
    case v1::HandleEventResponse::REPLY_NOT_SET:
      break;
  }
  return std::nullopt;
}

}  // namespace hongyan::endpoints
