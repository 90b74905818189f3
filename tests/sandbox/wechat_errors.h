// The wording of WeChat's error codes, as far as the sandbox answers them.
// Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html
#pragma once

#include <string_view>

namespace hongyan::sandbox {

// "unknown error" for a code that is not in the table.
std::string_view WeChatMessage(int64_t errcode);

}  // namespace hongyan::sandbox
