// What GET /sandbox/ prints.
#include "control_api.h"

namespace hongyan::sandbox {

std::string ControlHelp() {
  return R"(hongyan-sandbox: a strict stand-in for api.weixin.qq.com. Control API, JSON in and out.
app_id may be left out while there is exactly one account.

POST   /sandbox/reset                back to the state at start (accounts, users, tokens, ledger, faults, clock)
POST   /sandbox/clock                {advance_ms}: tokens age, windows close, duplicates are forgotten
GET    /sandbox/accounts
POST   /sandbox/accounts             {app_id, app_secret, original_id, callback:{url, token, mode: plain | compatible | safe,
                                     encoding_aes_key, format: xml | json, retry}, receipts:{when: none | early | late,
                                     times, delay_ms, status, zero_msgid}, token_lifetime_seconds, token_overlap_seconds, forced_spacing_seconds, forced_per_day, token_length,
                                     token_needs_escaping, enforce_window, ip_whitelisted, secret_frozen,
                                     account_frozen, verified}: creates or updates
GET    /sandbox/users                ?app_id=&openid=
POST   /sandbox/users                {app_id, openid, subscribed, unionid, remark, tag_ids, group_id, blacklisted,
                                     refuses_messages, subscribe_time, subscribe_scene, qr_scene, qr_scene_str,
                                     language, window_seconds, allowance, odd_fields:{"sex":""}}
POST   /sandbox/followers            {app_id, count, prefix}: so many more followers, numbered
POST   /sandbox/templates            {app_id, template_id, title, content, listed_values:{"const1":["…"]}}
POST   /sandbox/quota                {app_id, api, daily_limit}

Pushes to the account's callback URL, in its mode and format; each takes also {repeat, retry, reseal, timestamp, nonce,
signature, msg_signature, encrypt, encoding_aes_key, random16, create_time, time_limit_ms, content_type}:
POST   /sandbox/follow               {app_id, openid, scene, unionid}
POST   /sandbox/unfollow             {app_id, openid}
POST   /sandbox/scan                 {app_id, openid, scene}
POST   /sandbox/click                {app_id, openid, event_key}
POST   /sandbox/view                 {app_id, openid, url, menu_id}
POST   /sandbox/location             {app_id, openid, latitude, longitude, precision}
POST   /sandbox/message              {app_id, openid, type:"text", content, msg_id, fields:{…}}
POST   /sandbox/event                {app_id, openid, event, event_key, fields:{…}}
POST   /sandbox/receipt              {app_id, openid, msgid, status}: of a template message, the last one if no msgid
POST   /sandbox/subscription         {app_id, openid, what: popup | change | sent, list:[…]}
POST   /sandbox/user_info            {app_id, openid, event, revoke_info}: user_info_modified, user_authorization_…
POST   /sandbox/push                 {app_id, openid, from, type, event, msg_id, fields:{…}} or {…, body}; without fields a
                                     sample of the type
GET    /sandbox/types                the types that have samples
POST   /sandbox/verify               {app_id, echostr, timestamp, nonce, signature}: the GET verification
GET    /sandbox/pushes               ?app_id=&openid=&msg_type=&event=&outcome=&after_id=&limit=: with all tries and answers
GET    /sandbox/pushes/wait          ?…as pushes…&count=N&timeout_ms=: until N have their outcome
POST   /sandbox/garbage              {app_id, kinds:[…], count, time_limit_ms}: what strangers send; not in the ledger
GET    /sandbox/garbage              the kinds

Faults; the first that matches acts:
POST   /sandbox/faults               {app_id, api, openid, times, after, effect:{…}}; effects:
                                     errcode, errmsg, http_status, body, raw_answer, raw_answer_base64, content_type,
                                     location, gzip_bomb, endless, delay_before_ms, delay_after_ms, drip_ms,
                                     close: before_read | after_read | after_count | after_headers, reset,
                                     close_on_reuse, connection_close, idle_close_ms, truncate, header_lines,
                                     http10, chunked, bom, count
GET    /sandbox/faults               with seen and hits
DELETE /sandbox/faults[/ID]

POST   /sandbox/tokens/steal         {app_id, family}: another system takes a new one, the old dies at once
POST   /sandbox/tokens/revoke        {app_id, family, stuck}: 40001 from now on
POST   /sandbox/tokens/expire        {app_id, family}: 42001 from now on
GET    /sandbox/tokens               ?app_id=

GET    /sandbox/ledger               ?app_id=&api=&openid=&client_msg_id=&content=&outcome=&after_seq=&limit=
GET    /sandbox/wait                 ?…as ledger, without outcome…&count=N&timeout_ms=: until N arrivals
GET    /sandbox/counters
GET    /sandbox/chat                 ?app_id=&openid=&format=text
)";
}

}  // namespace hongyan::sandbox
