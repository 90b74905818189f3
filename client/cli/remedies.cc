#include "client/cli/remedies.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

struct Remedy {
  const char* reason;
  Wording wording;
};

constexpr auto kRemedies = std::to_array<Remedy>({
    {"ACCESS_TOKEN_REJECTED",
     {"Another system may renew this account's access_token behind Hongyan's back; let only one of "
      "them fetch it, then try again.",
      "可能有其他系统也在刷新该公众号的 access_token；请只保留一处获取，然后重试。"}},
    {"WECHAT_BUSY", {"Nothing was sent. Try again a little later.", "消息没有发出，请稍后重试。"}},
    {"THROTTLED",
     {"Nothing was sent. Send more slowly and try again after the time below, if one is given.",
      "消息没有发出。请降低发送频率，并在下面给出的时间（如有）之后重试。"}},
    {"QUOTA_EXHAUSTED",
     {"Wait until the allowance is renewed (daily ones at midnight, Beijing time), or ask for a "
      "higher one in WeChat's console.",
      "请等待额度恢复（每日额度在北京时间零点恢复），或在公众平台申请提高额度。"}},
    {"RESPONSE_WINDOW_CLOSED",
     {"A text reaches people only within 48 hours of their last message; use `hongyan send "
      "template`, or wait until they write.",
      "只有在用户最后一次互动后的 48 小时内才能发送客服消息；请改用 `hongyan send "
      "template`，或等用户再次发来消息。"}},
    {"RESPONSE_ALLOWANCE_USED",
     {"The messages that answer their last message are used up; use `hongyan send template`, or "
      "wait until they write.",
      "对该用户的客服消息条数已用完；请改用 `hongyan send template`，或等用户再次发来消息。"}},
    {"NOT_SUBSCRIBED",
     {"The person must follow the account first; take them off your list until they do.",
      "该用户需先关注公众号；在此之前请不要再向其发送。"}},
    {"RECIPIENT_BLOCKED",
     {"The person is on the account's blacklist; take them off it in WeChat's console if that is "
      "wrong.",
      "该用户在公众号的黑名单中；如属误加，请在公众平台移出。"}},
    {"RECIPIENT_REFUSED",
     {"The person refuses this kind of message; respect it, or ask them to subscribe again.",
      "该用户拒收此类消息；请尊重其选择，或请用户重新订阅。"}},
    {"RECIPIENT_UNREACHABLE",
     {"This person can't be reached now; errcode below says more.",
      "目前无法送达该用户；详见下面的 errcode。"}},
    {"DUPLICATE_MESSAGE",
     {"WeChat has this message already; there is nothing to do.",
      "微信已收到这条消息，无需再发。"}},
    {"INVALID_OPENID",
     {"Check the openid: it must be one of this Official Account, and upper and lower case count.",
      "请检查 openid：它必须属于该公众号，且区分大小写。"}},
    {"INVALID_TEMPLATE_ID",
     {"Check the template id against the account's own list (not the library's short number), and "
      "--account.",
      "请对照该公众号“我的模板”列表检查模板 ID（不是模板库编号），并检查 --account。"}},
    {"INVALID_TEMPLATE_VALUE",
     {"Correct the value named below; each keyword type has its limit (thing: 20 characters).",
      "请修改下面指出的值；每种关键词类型都有长度限制（如 thing 最多 20 个字符）。"}},
    {"INVALID_REQUEST", {"Correct what is named here and try again.", "请按提示修改后重试。"}},
    {"ACCOUNT_CONFIG",
     {"Have the service's operator check the account's AppID, AppSecret, IP whitelist and state in "
      "WeChat's console; trying again doesn't help.",
      "请服务管理员在公众平台检查该公众号的 AppID、AppSecret、IP 白名单和账号状态；重试无效。"}},
    {"API_UNAUTHORIZED",
     {"The Official Account may not use this API; check its verification and permissions in "
      "WeChat's console.",
      "该公众号没有此接口的权限；请在公众平台检查认证状态和接口权限。"}},
    {"CONTENT_POLICY",
     {"WeChat's content rules refuse this; change the text, link or template.",
      "内容未通过微信的内容规则；请修改文字、链接或模板。"}},
    {"WECHAT_ERROR",
     {"Look errcode up in WeChat's list of return codes; rid below helps WeChat's support find the "
      "call.",
      "请在微信的返回码说明中查询 errcode；下面的 rid 可供微信客服查询。"}},
    {"WECHAT_UNREACHABLE",
     {"Nothing was sent. Check that the service's machine reaches api.weixin.qq.com, then try "
      "again.",
      "消息没有发出。请检查服务所在机器能否访问 api.weixin.qq.com，然后重试。"}},
    {"OUTCOME_UNKNOWN",
     {"The message may have gone out. Ask the person before sending it again, unless a duplicate "
      "does no harm.",
      "消息可能已经发出。除非重复无妨，请先向用户确认再决定是否重发。"}},
    {"DEADLINE_TOO_SHORT",
     {"Nothing was sent. Allow more time: --timeout 10s.",
      "消息没有发出。请给更长的时间：--timeout 10s。"}},
    {"OVERLOADED",
     {"Nothing was sent. The service has too much in flight; try again after the time below, or "
      "send less at once.",
      "消息没有发出。服务当前并发过高；请在下面给出的时间之后重试，或减少并发。"}},
    {"SHUTTING_DOWN",
     {"The service is stopping. Ask another one, or this one again in a moment.",
      "服务正在停止。请改用其他实例，或稍后再试。"}},
    {"STREAM_AGED",
     {"A stream lasts a day at most. Open it again; it goes on where it stopped.",
      "一个流最多持续一天。请重新打开，会从停下的地方继续。"}},
    {"IDEMPOTENCY_KEY_REUSED",
     {"Take a new --idempotency-key: this one belongs to a different message.",
      "请换一个新的 --idempotency-key：这个键已用于另一条消息。"}},
    {"CREDENTIALS_MISSING",
     {"Give the service's token with --token-file or HONGYAN_TOKEN, or a certificate with "
      "--cert-file and --key-file.",
      "请用 --token-file 或 HONGYAN_TOKEN 提供令牌，或用 --cert-file 和 --key-file 提供证书。"}},
    {"CREDENTIALS_INVALID",
     {"Check the token in --token-file or HONGYAN_TOKEN, or the certificate: the service doesn't "
      "know it.",
      "请检查 --token-file 或 HONGYAN_TOKEN 中的令牌，或所用证书：服务不认识它。"}},
    {"SCOPE_MISSING",
     {"Have the service's operator add the scope to this client under auth.clients.",
      "请服务管理员在 auth.clients 中为该客户端添加所需的 scope。"}},
    {"STORAGE_FULL",
     {"Have the service's operator free space in the storage, or shorten storage.retention.",
      "请服务管理员清理存储空间，或缩短 storage.retention。"}},
    {"STORAGE_UNAVAILABLE",
     {"Have the service's operator check the database of storage.url, then try again.",
      "请服务管理员检查 storage.url 的数据库，然后重试。"}},
    {"STORAGE_CORRUPT",
     {"Have the service's operator restore the storage from a backup.",
      "请服务管理员从备份恢复存储。"}},
    {"DELIVERY_NOT_FOUND",
     {"Check the delivery's id; old ones are removed after storage.retention.",
      "请检查投递 ID；超过 storage.retention 的记录会被清除。"}},
    {"SUBSCRIBER_NOT_FOUND",
     {"Check the openid, or import the followers with `hongyan subscriber sync`.",
      "请检查 openid，或用 `hongyan subscriber sync` 导入关注者。"}},
    {"UNIONID_NOT_FOUND",
     {"Use the person's openid, or import the followers with `hongyan subscriber sync`.",
      "请改用该用户的 openid，或用 `hongyan subscriber sync` 导入关注者。"}},
    {"CURSOR_UNKNOWN",
     {"The service's storage never gave out this cursor; perhaps it was put back from a backup, "
      "and later events are lost. Go on with --after 0 (everything that is kept); `hongyan event "
      "watch` also without --after (from now on).",
      "服务的存储从未给出过这个 cursor；可能是从备份恢复过，之后的事件已丢失。请用 --after 0"
      "（保留的全部事件）继续；`hongyan event watch` 也可以不带 --after（从此刻起）。"}},
    {"NOT_IMPLEMENTED",
     {"This version of the service can't do it yet; see its change log.",
      "当前版本的服务尚不支持；请查看更新日志。"}},
    {"CANCELLED", {"Nothing was sent; call again.", "消息没有发出，可以重新调用。"}},
    {"INTERNAL",
     {"A mistake of Hongyan's own, and the message may have gone out: report it with the request "
      "id and the service's log.",
      "这是鸿雁自身的错误，消息可能已经发出：请附上请求 ID 和服务日志反馈。"}},
});

constexpr Wording kWhitelist = {
    "Add $0 to the account's IP whitelist in WeChat's console (设置与开发 → 开发接口管理 → "
    "基本配置).",
    "请在公众平台“设置与开发 → 开发接口管理 → 基本配置”中把 $0 加入 IP 白名单。"};
constexpr Wording kNotConnected = {
    "Nothing was sent. Is hongyand running and listening at $0? Check --target or HONGYAN_TARGET, "
    "and --tls; on "
    "the service's machine try: curl http://127.0.0.1:9091/readyz",
    "消息没有发出。hongyand 是否在运行并监听 $0？请检查 --target 或 HONGYAN_TARGET 以及 "
    "--tls；可在服务所在机器上执行：curl http://127.0.0.1:9091/readyz"};
constexpr Wording kNotConnectedRead = {
    "Is hongyand running and listening at $0? Check --target or HONGYAN_TARGET, and --tls; on the "
    "service's machine try: curl http://127.0.0.1:9091/readyz",
    "hongyand 是否在运行并监听 $0？请检查 --target 或 HONGYAN_TARGET 以及 "
    "--tls；可在服务所在机器上执行：curl http://127.0.0.1:9091/readyz"};
constexpr Wording kTls = {
    "Nothing was sent. The TLS handshake with $0 failed: check that the service speaks TLS, and "
    "--ca-file, --cert-file and --key-file.",
    "消息没有发出。与 $0 的 TLS 握手失败：请确认服务启用了 TLS，并检查 --ca-file、--cert-file 和 "
    "--key-file。"};
constexpr Wording kLostSend = {
    "No answer came from $0: the message may have gone out. Repeat it only with the same "
    "--idempotency-key, or when a duplicate does no harm.",
    "没有收到 $0 的应答：消息可能已经发出。只有使用相同的 "
    "--idempotency-key，或重复无妨时，才应重发。"};
constexpr Wording kLostRead = {
    "No answer came from $0; try again, with a longer --timeout if need be.",
    "没有收到 $0 的应答；请重试，必要时延长 --timeout。"};
constexpr Wording kNotHongyan = {
    "Check that $0 is Hongyan's gRPC port and not older than this program.",
    "请确认 $0 是鸿雁的 gRPC 端口，且版本不低于本程序。"};
constexpr Wording kProxy = {"What answered at $0 was not Hongyan; check the proxy in front of it.",
                            "$0 处应答的不是鸿雁；请检查它前面的代理。"};

const Remedy* Find(const std::string& reason) {
  const auto* found = std::find_if(kRemedies.begin(), kRemedies.end(),
                                   [&](const Remedy& r) { return reason == r.reason; });
  return found == kRemedies.end() ? nullptr : found;
}

const Wording& WithoutReason(const client::Error& error, Operation operation) {
  if (error.not_connected) {
    if (absl::StrContains(error.message, "andshake")) return kTls;
    return operation == Operation::kSend ? kNotConnected : kNotConnectedRead;
  }
  if (error.code == absl::StatusCode::kUnimplemented) return kNotHongyan;
  if (client::GetOutcome(error) == client::SendOutcome::kNotSent) return kProxy;
  return operation == Operation::kSend ? kLostSend : kLostRead;
}

}  // namespace

std::string RemedyFor(const client::Error& error, Operation operation, const std::string& target,
                      Language language) {
  const auto address = error.metadata.find("address");
  if (error.reason == "ACCOUNT_CONFIG" && address != error.metadata.end()) {
    return absl::Substitute(kWhitelist.In(language), Printable(address->second));
  }
  if (const Remedy* known = Find(error.reason); known != nullptr) {
    return known->wording.In(language);
  }
  return absl::Substitute(WithoutReason(error, operation).In(language), Printable(target));
}

}  // namespace hongyan::cli
