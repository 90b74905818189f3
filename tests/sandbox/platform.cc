#include "platform.h"

#include <cstdio>
#include <utility>

namespace hongyan::sandbox {

Account* Platform::Find(const std::string& app_id) {
  const auto found = accounts_.find(app_id);
  return found == accounts_.end() ? nullptr : found->second.get();
}

Account* Platform::FindOrOnly(const std::string& app_id) {
  if (app_id.empty() && accounts_.size() == 1) return accounts_.begin()->second.get();
  return Find(app_id);
}

Account* Platform::FindByToken(std::string_view token) {
  for (const auto& [app_id, account] : accounts_) {
    if (account->tokens.Judge(token) != TokenVerdict::kNeverIssued) return account.get();
  }
  return nullptr;
}

Account& Platform::Add(AccountSettings settings) {
  const std::string app_id = settings.app_id;
  auto account = std::make_unique<Account>(clock, random, std::move(settings));
  return *(accounts_[app_id] = std::move(account));
}

std::string Platform::NewRid() {
  char rid[32];
  std::snprintf(rid, sizeof(rid), "%08x-%08x-%08x",
                static_cast<unsigned>(ToSeconds(clock.Now()) & 0xFFFFFFFF),
                static_cast<unsigned>(random.Number() & 0xFFFFFFFF),
                static_cast<unsigned>(random.Number() & 0xFFFFFFFF));
  return rid;
}

void AddDemoTemplates(Account& account) {
  Template shipped;
  shipped.template_id = "SandboxOrderShippedTemplate0000000000000001";
  shipped.title = "订单发货通知";
  shipped.content =
      "商品名称:{{thing1.DATA}}\n发货时间:{{time2.DATA}}\n订单金额:{{amount3.DATA}}\n"
      "订单编号:{{character_string4.DATA}}";
  shipped.example =
      "商品名称:夏日蜜桃茶\n发货时间:2026年3月1日 15:01\n订单金额:¥39.80\n订单编号:1024-77";
  account.AddTemplate(shipped);

  Template paid;
  paid.template_id = "SandboxPaymentResultTemplate000000000000002";
  paid.title = "支付结果通知";
  paid.content =
      "支付状态:{{phrase1.DATA}}\n支付金额:{{amount2.DATA}}\n联系电话:{{phone_number3.DATA}}\n"
      "支付日期:{{date4.DATA}}";
  paid.example =
      "支付状态:支付成功\n支付金额:39.80元\n联系电话:+86-0766-66888866\n支付日期:2026年3月1日";
  account.AddTemplate(paid);

  Template reserved;
  reserved.template_id = "SandboxReservationTemplate00000000000000003";
  reserved.title = "预约成功提醒";
  reserved.content =
      "预约人:{{name1.DATA}}\n预约项目:{{thing2.DATA}}\n预约时间:{{time3.DATA}}\n"
      "车牌号:{{car_number4.DATA}}\n人数:{{number5.DATA}}\n状态:{{const6.DATA}}";
  reserved.listed_values["const6"] = {"已确认", "待确认"};
  reserved.example =
      "预约人:张三\n预约项目:保养\n预约时间:2026年3月1日 15:01\n车牌号:粤A8Z888\n人数:2\n"
      "状态:已确认";
  account.AddTemplate(reserved);
  for (const Template& each : account.templates()) {
    Template filled = each;
    filled.primary_industry = "IT科技";
    filled.deputy_industry = "互联网|电子商务";
    account.AddTemplate(filled);
  }
}

void AddDemoFollower(Account& account, const Clock& clock, const std::string& openid) {
  User user;
  user.openid = openid;
  user.window_until = clock.Now() + std::chrono::hours(48);
  user.allowance = 1000000;
  account.AddUser(std::move(user));
}

Account& AddDemoAccount(Platform& platform) {
  AccountSettings settings;
  settings.app_id = kDemoAppId;
  settings.app_secret = kDemoAppSecret;
  settings.original_id = kDemoOriginalId;
  settings.callback.token = kDemoCallbackToken;
  Account& account = platform.Add(std::move(settings));
  AddDemoTemplates(account);
  for (const std::string_view openid : kDemoFollowers) {
    AddDemoFollower(account, platform.clock, std::string(openid));
  }
  return account;
}

}  // namespace hongyan::sandbox
