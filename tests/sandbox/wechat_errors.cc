#include "wechat_errors.h"

namespace hongyan::sandbox {
namespace {

struct Line {
  int errcode;
  std::string_view errmsg;
};

constexpr Line kLines[] = {
    {-1, "system error"},
    {0, "ok"},
    {40001, "invalid credential, access_token is invalid or not latest"},
    {40002, "invalid grant_type"},
    {40003, "invalid openid"},
    {40007, "invalid media_id"},
    {40008, "invalid message type"},
    {40013, "invalid appid"},
    {40014, "invalid access_token"},
    {40031, "invalid openid list"},
    {40032, "invalid openid list size"},
    {40033, "invalid charset. please check your request, if include \\uxxxx will create fail!"},
    {40035, "invalid parameter"},
    {40036, "invalid template_id size"},
    {40037, "invalid template_id"},
    {40039, "invalid url size"},
    {40048, "invalid url domain"},
    {40066, "invalid url"},
    {40125, "invalid appsecret"},
    {40164, "invalid ip, not in whitelist"},
    {40200, "invalid account type"},
    {40241, "The message is duplicate in 60 seconds"},
    {40243, "AppSecret has been frozen"},
    {41001, "access_token missing"},
    {41002, "appid missing"},
    {41004, "appsecret missing"},
    {41009, "openid missing"},
    {42001, "access_token expired"},
    {43001, "require GET method"},
    {43002, "require POST method"},
    {43003, "require https"},
    {43004, "require subscribe"},
    {43019, "require remove blacklist"},
    {43101, "user refuse to accept the msg"},
    {43117, "Sending messages to this openid too frequently,please try later"},
    {44002, "empty post data"},
    {44004, "empty content"},
    {45002, "content size out of limit"},
    {45008, "article size out of limit"},
    {45009, "reach max api daily quota limit"},
    {45011, "api minute-quota reach limit  mustslower  retry next minute"},
    {45015, "response out of time limit or subscription is canceled"},
    {45047, "out of response count limit"},
    {45067, "clientmsgid size out of limit"},
    {45072, "invalid command"},
    {45080, "user has no interaction in the last 30 seconds"},
    {45081, "already typing"},
    {47001, "data format error"},
    {47003, "argument invalid!"},
    {48001, "api unauthorized"},
    {48002, "user block receive message"},
    {50002, "user limited"},
    {50004, "forbid to use token endpoint"},
    {50007, "account frozen"},
    {76001, "rid not found"},
    {76002, "rid invalid"},
    {76003, "rid belongs to another account"},
    {76021, "cgi_path not found, please check"},
};

}  // namespace

std::string_view WeChatMessage(int64_t errcode) {
  for (const Line& line : kLines) {
    if (line.errcode == errcode) return line.errmsg;
  }
  return "unknown error";
}

}  // namespace hongyan::sandbox
