// Published samples of encrypted callbacks, for the tests of the cipher, of the signature and of
// the envelope.
//
// V3 and V4 are the platform's own samples, V5 to V8 come from the tests of public SDKs (V8 is
// Enterprise WeChat's: same algorithm), V9 was computed apart. V5 to V8 have an EncodingAESKey
// whose base64 is not canonical; the padding of V3, V5, V7 and V9 is longer than a block of AES.
#pragma once

namespace hongyan::wechat {

struct CallbackVector {
  const char* name;
  const char* token;
  const char* encoding_aes_key;
  const char* app_id;
  const char* timestamp;
  const char* nonce;
  const char* msg_signature;  // empty: none was published
  const char* prefix;         // the 16 random bytes
  const char* message;
  const char* encrypt;
  unsigned cipher_bytes;
  unsigned padding;
};

inline constexpr CallbackVector kCallbackVectors[] = {
    {"V3_PushJson", "AAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "wxba5fad812f8e6fb9",
     "1714112445", "415670741", "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3", "a8eedb185eb2fecf",
     "{\"ToUserName\":\"gh_97417a04a28d\",\"FromUserName\":\"o9AgO5Kd5ggOC-bXrbNODIiE3bGY\","
     "\"CreateTime\":1714112445,\"MsgType\":\"event\",\"Event\":\"debug_demo\",\"debug_str\""
     ":\"hello world\"}",
     "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLK"
     "JGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPp"
     "RSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6m"
     "OcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=",
     224, 19},
    {"V4_Reply", "AAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "wxba5fad812f8e6fb9",
     "1713424427", "415670741", "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1", "707722b803182950",
     "{\"demo_resp\":\"good luck\"}",
     "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ"
     "==",
     64, 1},
    {"V5_PushXml", "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7",
     "1409659813", "1372623149", "477715d11cdb4164915debcba66cb864d751f3e6", "0960688932c47ef1",
     "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n"
     "<FromUserName><![CDATA[mycreate]]></FromUserName>\n"
     "<CreateTime>1409659813</CreateTime>\n"
     "<MsgType><![CDATA[text]]></MsgType>\n"
     "<Content><![CDATA[hello]]></Content>\n"
     "<MsgId>4561255354251345929</MsgId>\n"
     "<AgentID>218</AgentID>\n"
     "</xml>",
     "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3Qc"
     "zcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs"
     "8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4z"
     "G4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS"
     "0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAV"
     "e0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
     352, 30},
    {"V6_Utf8", "pamtest", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6",
     "1409304348", "xxxxxx", "82c962d39941aa48552f90ef55aa323dc620cc10", "aaaabbbbccccdddd",
     "我是中文abcd123",
     "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg"
     "==",
     64, 7},
    {"V7_PushXmlOneLine", "pamtest", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
     "wxb11529c136998cb6", "1458300676", "260774613", "4f3ad57b6989f09f4eb392acce4f9e93942ed890",
     "d43123b161a4ba84",
     "<xml><URL><![CDATA[http://wechat.laravel.so/server]]></URL><ToUserName><![CDATA[asdasd"
     "asd]]></ToUserName><FromUserName><![CDATA[asdasdasdsadasd]]></FromUserName><CreateTime"
     ">1234567898</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hello]]><"
     "/Content><MsgId>12345</MsgId></xml>",
     "rTNFcsut4LfGuAFKEUVVpwcaCOTJzOd9twZdIW910jb3k+iicx2uvhttIZ3Qg9Qgty3BEF2xbOrz6boTfb30dM"
     "omcgrkTqdFPwnhqbk+kIQ7rZiwny9D7NUrTgA5kpX3KsZvrXzUZyP2x9YOlxbgm572lmxKvM7HAQQhIQ/p6HBm"
     "oY30bGXFK0BtIu1pW9TjhOYrLQoU18nWYjWqDA1ynkmOytpv7QRI1P1+0NoxL0q2zO1DgeSvnE8CZGo/o5Ap/W"
     "HK5W2RAsinpzN4/LjPnmB6U01I5XCoJoC0GK/yMZycd2Oh8Nq6+wBkC1U85oy0ktOY4nLvsQMLrourmMGdZHuT"
     "bqpeJ8Ao/5PRYJ+WBvRUwPfGKBL2+2IKZF49vAJqkcGWSHGE76ZN2erXeuNazf/o9o3lIE3q739o4c8t9QGPe3"
     "1GT2Go/rOz1BsrASwvauNulCh+++yz+CQzBIuikA==",
     352, 21},
    {"V8_Echostr", "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a",
     "1411443780", "437374425", "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "2304fc2fe146f1f8",
     "5927782489442352469",
     "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q"
     "==",
     64, 7},
    {"V9_FullBlockOfPadding", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
     "wxba5fad812f8e6fb9", "", "", "", "0123456789abcdef", "xxxxxxxxxxxxxxxxxxxxxxxxxx",
     "uMMzGtqcnpOzXOYBwDQNrTKqq1gfFL9ZipCOy/gYhNsj0EbDiLgmyIpctOWh4+FF28LepmxqkFHWq0/W1HpwVT"
     "hBvOfqfojRqfSqOCcrXV+fVpED4mak/KZt2gsUJ7hv",
     96, 32},
};

}  // namespace hongyan::wechat
