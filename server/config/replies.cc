#include "server/config/replies.h"

namespace hongyan::config {

core::Reply ToReply(const v1::ReplyRule& rule) {
  if (rule.has_image()) return wechat::ImageReply{rule.image().media_id()};
  if (rule.has_voice()) return wechat::VoiceReply{rule.voice().media_id()};
  if (rule.has_video()) {
    const v1::VideoReplyConfig& video = rule.video();
    return wechat::VideoReply{video.media_id(), video.title(), video.description()};
  }
  if (rule.has_music()) {
    const v1::MusicReplyConfig& music = rule.music();
    return wechat::MusicReply{music.title(), music.description(), music.music_url(),
                              music.hq_music_url(), music.thumb_media_id()};
  }
  if (rule.has_news()) {
    const v1::NewsReplyConfig& news = rule.news();
    return wechat::NewsReply{news.title(), news.description(), news.url(), news.picture_url()};
  }
  if (rule.has_transfer()) return wechat::TransferReply{rule.transfer().kf_account()};
  return wechat::TextReply{rule.text()};
}

core::ReplyRule ToReplyRule(const v1::ReplyRule& rule) {
  return {rule.on(), rule.match(), ToReply(rule), rule.event_key()};
}

}  // namespace hongyan::config
