// --lang of the commands that ask WeChat for users.
#pragma once

#include <memory>
#include <string>

#include "client/cli/command.h"

namespace hongyan::cli {

template <typename Request>
void AddLang(Command& command, const std::shared_ptr<Request>& request) {
  command.AddChoice("--lang", {"zh_CN", "zh_TW", "en"},
                    [request](const std::string& lang) { request->set_lang(lang); },
                    {"Language of regions", "地区名称的语言"});
}

}  // namespace hongyan::cli
