// The limits of typed template keywords: thing1, time4, amount3 …
//
// Contract: a key's letters are its type, its digits only tell keys of one type apart. Keys whose
// type is not in the
//           table (old templates: keyword1) take any text that is not empty.
// Units:    characters are UTF-16 units, the strictest reading; the platform does not define them.
// Source:
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hongyan::sandbox {

// "thing" of "thing12".
std::string_view KeywordType(std::string_view key);

// `listed` are the values registered for an enum or const key; empty means that any text is taken.
bool IsAllowedValue(std::string_view key, std::string_view value,
                    const std::vector<std::string>& listed);

}  // namespace hongyan::sandbox
