// Issues and judges the access tokens of one account: the classic and the stable family, kept
// apart.
//
// Contract: classic - every call yields a new token; the one before works for `overlap` more.
// Stable, normal - the same
//           token until `overlap` before its end, then a new one while the old lives out its time.
//           Stable, forced - the token before dies at once; asked again within `forced_spacing`
//           nothing is refreshed, and a day has `forced_per_day` of them. Neither family touches
//           the other.
// Errors:   TakeStable yields errcode 45009 when the day's forced refreshes are used up.
// Threads:  event loop only.           Lifetime: clock, random and rules outlive this object.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "clock.h"
#include "text.h"

namespace hongyan::sandbox {

struct TokenRules {
  std::chrono::seconds lifetime{7200};
  std::chrono::seconds overlap{300};
  std::chrono::seconds forced_spacing{30};
  int64_t forced_per_day = 20;
  int64_t length = 136;
  // Puts '+', '/', '%', '&' and '=' into tokens, for clients that forget to escape the query.
  bool needs_escaping = false;
};

enum class TokenFamily { kClassic, kStable };
enum class TokenVerdict { kGood, kExpired, kRefused, kNeverIssued };

struct TokenGrant {
  int errcode = 0;
  std::string token;
  int64_t expires_in_seconds = 0;
};

struct IssuedToken {
  std::string value;
  TokenFamily family = TokenFamily::kClassic;
  Time issued_at;
  Time expires_at;
  bool refused = false;
  // A newer classic token shortened its life: at its end it is "not latest" and not "expired".
  bool superseded = false;
};

// How often a family was asked and what came of it; shown by GET /sandbox/tokens.
struct TokenCounts {
  int64_t classic_requests = 0;
  int64_t stable_normal_requests = 0;
  int64_t stable_forced_requests = 0;
  int64_t classic_issued = 0;
  int64_t stable_issued = 0;
  int64_t forced_refreshes = 0;
};

class TokenOffice {
 public:
  TokenOffice(const Clock& clock, Random& random, const TokenRules& rules)
      : clock_(clock), random_(random), rules_(rules) {}

  TokenGrant TakeClassic();
  TokenGrant TakeStable(bool force);
  TokenVerdict Judge(std::string_view token) const;

  // Another system takes a new token of the family; the current one dies at once.
  void Steal(TokenFamily family);
  // The current tokens are refused from now on. `stuck`: normal stable calls keep handing out the
  // refused one until a forced refresh.
  void Revoke(std::optional<TokenFamily> family, bool stuck);
  // The current tokens reach their end now.
  void Expire(std::optional<TokenFamily> family);

  const IssuedToken* Current(TokenFamily family) const;
  TokenCounts& counts() { return counts_; }
  const TokenCounts& counts() const { return counts_; }

 private:
  IssuedToken* MutableCurrent(TokenFamily family);
  std::string& CurrentValue(TokenFamily family) {
    return family == TokenFamily::kClassic ? classic_ : stable_;
  }
  IssuedToken& Issue(TokenFamily family);
  TokenGrant Grant(const IssuedToken& token) const;
  std::chrono::seconds EffectiveOverlap() const;

  const Clock& clock_;
  Random& random_;
  const TokenRules& rules_;
  std::unordered_map<std::string, IssuedToken> issued_;
  std::deque<std::string> order_;
  std::string classic_;
  std::string stable_;
  bool stable_stuck_ = false;
  std::deque<Time> forced_;
  TokenCounts counts_;
};

}  // namespace hongyan::sandbox
