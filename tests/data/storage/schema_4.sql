PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE hongyan_schema (version INTEGER NOT NULL);
INSERT INTO hongyan_schema VALUES(4);
CREATE TABLE hongyan_counters (
                name VARCHAR(32) NOT NULL PRIMARY KEY,
                number BIGINT NOT NULL);
INSERT INTO hongyan_counters VALUES('event',50);
INSERT INTO hongyan_counters VALUES('probe',0);
CREATE TABLE events (
                seq INTEGER NOT NULL PRIMARY KEY,
                account VARCHAR(64) NOT NULL,
                openid VARCHAR(128) NOT NULL,
                event_type VARCHAR(40) NOT NULL,
                create_time BIGINT NOT NULL,
                receive_time BIGINT NOT NULL,
                body_format SMALLINT NOT NULL,
                body TEXT NOT NULL,
                checksum BIGINT NOT NULL);
INSERT INTO events VALUES(1,'main','oStays_1','subscribe',1795915814000000,1795915814979039,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915814</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey></xml>',-1970717174766366942);
INSERT INTO events VALUES(2,'main','oLeft_1','subscribe',1795915814000000,1795915814995601,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oLeft_1]]></FromUserName><CreateTime>1795915814</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey></xml>',1844502726407551251);
INSERT INTO events VALUES(5,'shop','oStays_1','subscribe',1795915815000000,1795915815008361,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"subscribe","EventKey":""}',-977161687389660653);
INSERT INTO events VALUES(6,'main','oStays_1','text',1795915815000000,1795915815012207,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好 🎉 it''s ]]]]><![CDATA[> me]]></Content><MsgId>23456789690513596</MsgId></xml>',7230612973532315436);
INSERT INTO events VALUES(7,'main','oStays_1','text',1795915815000000,1795915815014559,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[twice]]></Content><MsgId>23456789750344562</MsgId></xml>',-7131450682600298562);
INSERT INTO events VALUES(11,'main','oStays_1','image',1795915815000000,1795915815024355,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[image]]></MsgType><PicUrl><![CDATA[http://mmbiz.qpic.cn/sample?a=1&b=2]]></PicUrl><MediaId><![CDATA[media_image_1]]></MediaId><MsgId>23456789603783547</MsgId></xml>',-6480344835999714718);
INSERT INTO events VALUES(12,'main','oStays_1','voice',1795915815000000,1795915815026247,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[voice]]></MsgType><MediaId><![CDATA[media_voice_1]]></MediaId><Format><![CDATA[amr]]></Format><MediaId16K><![CDATA[media_voice_16k]]></MediaId16K><Recognition><![CDATA[腾讯微信团队]]></Recognition><MsgId>23456789041561635</MsgId></xml>',-5503883526890574519);
INSERT INTO events VALUES(13,'main','oStays_1','video',1795915815000000,1795915815027769,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[video]]></MsgType><MediaId><![CDATA[media_video_1]]></MediaId><ThumbMediaId><![CDATA[media_thumb_1]]></ThumbMediaId><MsgId>23456789951645351</MsgId></xml>',-4798044088696048114);
INSERT INTO events VALUES(14,'main','oStays_1','short_video',1795915815000000,1795915815030063,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[shortvideo]]></MsgType><MediaId><![CDATA[media_video_2]]></MediaId><ThumbMediaId><![CDATA[media_thumb_2]]></ThumbMediaId><MsgId>23456789521699105</MsgId></xml>',6941328557754388825);
INSERT INTO events VALUES(15,'main','oStays_1','location',1795915815000000,1795915815031550,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[location]]></MsgType><Location_X>23.137466</Location_X><Location_Y>113.352425</Location_Y><Scale>20</Scale><Label><![CDATA[广州市天河区 <1 号>]]></Label><MsgId>23456789015521908</MsgId></xml>',-5265974006190089191);
INSERT INTO events VALUES(16,'main','oStays_1','link',1795915815000000,1795915815033848,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[link]]></MsgType><Title><![CDATA[公众平台官网链接]]></Title><Description><![CDATA[说明 & 更多]]></Description><Url><![CDATA[https://e.com/?a=1&b=2]]></Url><MsgId>23456789434760670</MsgId></xml>',2105638319413531412);
INSERT INTO events VALUES(17,'main','oStays_1','mini_program_page',1795915815000000,1795915815035220,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[miniprogrampage]]></MsgType><Title><![CDATA[小程序]]></Title><AppId><![CDATA[wxminiprogram00001]]></AppId><PagePath><![CDATA[pages/index?a=1]]></PagePath><ThumbUrl><![CDATA[http://mmbiz.qpic.cn/thumb]]></ThumbUrl><ThumbMediaId><![CDATA[media_thumb_3]]></ThumbMediaId><MsgId>23456789269931520</MsgId></xml>',1337742606423547657);
INSERT INTO events VALUES(18,'main','oStays_1','file',1795915815000000,1795915815037071,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[file]]></MsgType><Title><![CDATA[合同.pdf]]></Title><Description><![CDATA[120 KB]]></Description><FileKey><![CDATA[file_key_1]]></FileKey><FileMd5><![CDATA[d41d8cd98f00b204e9800998ecf8427e]]></FileMd5><FileTotalLen>122880</FileTotalLen><MsgId>23456789007279070</MsgId></xml>',-2486609983724971295);
INSERT INTO events VALUES(19,'main','oStays_1','scan',1795915815000000,1795915815038351,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[SCAN]]></Event><EventKey><![CDATA[42]]></EventKey><Ticket><![CDATA[gQSampleTicketOfAQrCode]]></Ticket></xml>',1048197092107676034);
INSERT INTO events VALUES(20,'main','oStays_1','location_report',1795915815000000,1795915815040030,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[LOCATION]]></Event><Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.38504</Precision></xml>',3458530930389176871);
INSERT INTO events VALUES(21,'main','oStays_1','click',1795915815000000,1795915815041273,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[CLICK]]></Event><EventKey><![CDATA[MENU_1]]></EventKey></xml>',1653136495739517386);
INSERT INTO events VALUES(22,'main','oStays_1','view',1795915815000000,1795915815043237,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[VIEW]]></Event><EventKey><![CDATA[https://e.com/?a=1&b=2]]></EventKey><MenuId>423456789</MenuId></xml>',-5463878526803810605);
INSERT INTO events VALUES(23,'main','oStays_1','view_mini_program',1795915815000000,1795915815044500,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[view_miniprogram]]></Event><EventKey><![CDATA[pages/index/index]]></EventKey><MenuId>423456789</MenuId></xml>',-9108720169033311950);
INSERT INTO events VALUES(24,'main','oStays_1','scan_code',1795915815000000,1795915815046366,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[scancode_waitmsg]]></Event><EventKey><![CDATA[SCAN_2]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[2]]></ScanResult></ScanCodeInfo></xml>',5126903379665541704);
INSERT INTO events VALUES(25,'main','oStays_1','pictures',1795915815000000,1795915815047797,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[pic_weixin]]></Event><EventKey><![CDATA[PIC_3]]></EventKey><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum><![CDATA[6c75aaca956d97be686719218f275c6d]]></PicMd5Sum></item></PicList></SendPicsInfo></xml>',4818815058503540458);
INSERT INTO events VALUES(26,'main','oStays_1','location_select',1795915815000000,1795915815049337,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[location_select]]></Event><EventKey><![CDATA[PLACE_1]]></EventKey><SendLocationInfo><Location_X><![CDATA[23]]></Location_X><Location_Y><![CDATA[113]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[广州市海珠区客村艺苑路 106号]]></Label><Poiname><![CDATA[]]></Poiname></SendLocationInfo></xml>',4432480746608747541);
INSERT INTO events VALUES(27,'main','oStays_1','template_receipt',1795915815000000,1795915815050742,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>3717005636572528641</MsgID><Status><![CDATA[success]]></Status></xml>',-4503140229045787187);
INSERT INTO events VALUES(28,'main','oStays_1','mass_send_receipt',1795915815000000,1795915815053029,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[MASSSENDJOBFINISH]]></Event><MsgID>1000001625</MsgID><Status><![CDATA[err(30003)]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount><CopyrightCheckResult><Count>2</Count><ResultList><item><ArticleIdx>1</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState><OriginalArticleUrl><![CDATA[https://e.com/1]]></OriginalArticleUrl><OriginalArticleType>1</OriginalArticleType><CanReprint>1</CanReprint><NeedReplaceContent>1</NeedReplaceContent><NeedShowReprintSource>1</NeedShowReprintSource></item><item><ArticleIdx>2</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState><OriginalArticleUrl><![CDATA[https://e.com/2]]></OriginalArticleUrl><OriginalArticleType>1</OriginalArticleType><CanReprint>1</CanReprint><NeedReplaceContent>1</NeedReplaceContent><NeedShowReprintSource>1</NeedShowReprintSource></item></ResultList><CheckState>2</CheckState></CopyrightCheckResult><ArticleUrlResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx><ArticleUrl><![CDATA[https://e.com/3]]></ArticleUrl></item></ResultList></ArticleUrlResult></xml>',8462521120979633698);
INSERT INTO events VALUES(29,'main','oStays_1','publish_receipt',1795915815000000,1795915815054346,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[PUBLISHJOBFINISH]]></Event><PublishEventInfo><publish_id><![CDATA[2247503051]]></publish_id><publish_status>0</publish_status><article_id><![CDATA[b5O2OUs25HBxRceL7hfReg]]></article_id><article_detail><count>1</count><item><idx>1</idx><article_url><![CDATA[https://e.com/4]]></article_url></item></article_detail></PublishEventInfo></xml>',-3879895715799114510);
INSERT INTO events VALUES(30,'main','oStays_1','subscription_popup',1795915815000000,1795915815056228,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe_msg_popup_event]]></Event><SubscribeMsgPopupEvent><List><TemplateId><![CDATA[VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc]]></TemplateId><SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString><PopupScene>2</PopupScene></List><List><TemplateId><![CDATA[9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI]]></TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString><PopupScene>2</PopupScene></List></SubscribeMsgPopupEvent></xml>',-8365705551792073345);
INSERT INTO events VALUES(31,'main','oStays_1','subscription_change',1795915815000000,1795915815057625,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe_msg_change_event]]></Event><SubscribeMsgChangeEvent><List><TemplateId><![CDATA[VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc]]></TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List></SubscribeMsgChangeEvent></xml>',8670280370824441321);
INSERT INTO events VALUES(32,'main','oStays_1','subscription_receipt',1795915815000000,1795915815059195,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe_msg_sent_event]]></Event><SubscribeMsgSentEvent><List><TemplateId><![CDATA[VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc]]></TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus></List></SubscribeMsgSentEvent></xml>',2731389409947100444);
INSERT INTO events VALUES(33,'main','oStays_1','user_info_change',1795915815000000,1795915815060855,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oPlatformItself0000000000000]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[user_info_modified]]></Event><OpenID><![CDATA[oStays_1]]></OpenID><AppID><![CDATA[wxtest000000000001]]></AppID><RevokeInfo><![CDATA[205]]></RevokeInfo></xml>',-935046913029498666);
INSERT INTO events VALUES(34,'main','oStays_1','kf_session',1795915815000000,1795915815062577,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_create_session]]></Event><KfAccount><![CDATA[test1@test]]></KfAccount></xml>',-3385232754888991075);
INSERT INTO events VALUES(35,'main','oStays_1','verification',1795915815000000,1795915815064165,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[annual_renew]]></Event><ExpiredTime>1442401004</ExpiredTime></xml>',-4915491448725563543);
INSERT INTO events VALUES(36,'main','oStays_1','verification',1795915815000000,1795915815065673,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[naming_verify_fail]]></Event><FailTime>1442401061</FailTime><FailReason><![CDATA[by time]]></FailReason></xml>',-5356798700787111046);
INSERT INTO events VALUES(37,'main','oStays_1','unknown',1795915815000000,1795915815067068,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oStays_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[a_type_of_tomorrow]]></Event><EventKey><![CDATA[K]]></EventKey><New><![CDATA[x]]></New></xml>',-3640129676235730645);
INSERT INTO events VALUES(38,'main','oLeft_1','text',1795915815000000,1795915815068344,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oLeft_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[still here]]></Content><MsgId>23456789914030303</MsgId></xml>',690740290270925535);
INSERT INTO events VALUES(39,'main','oLeft_1','unsubscribe',1795915815000000,1795915815070147,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oLeft_1]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[unsubscribe]]></Event><EventKey><![CDATA[]]></EventKey></xml>',743894781849960723);
INSERT INTO events VALUES(40,'main','oClosed_1','user_info_change',1795915815000000,1795915815071410,0,'<xml><ToUserName><![CDATA[gh_000000000001]]></ToUserName><FromUserName><![CDATA[oPlatformItself0000000000000]]></FromUserName><CreateTime>1795915815</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[user_authorization_cancellation]]></Event><OpenID><![CDATA[oClosed_1]]></OpenID><AppID><![CDATA[wxtest000000000001]]></AppID><RevokeInfo><![CDATA[0]]></RevokeInfo><UnionID><![CDATA[uClosed_1]]></UnionID></xml>',-3809399580109566156);
INSERT INTO events VALUES(41,'shop','oStays_1','text',1795915815000000,1795915815073537,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"text","Content":"shop 0","MsgId":23456789811133424}',-3566516483070830477);
INSERT INTO events VALUES(42,'shop','oStays_1','click',1795915815000000,1795915815075055,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"CLICK","EventKey":"MENU_0"}',-5180179325389784923);
INSERT INTO events VALUES(43,'shop','oStays_1','text',1795915815000000,1795915815077402,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"text","Content":"shop 1","MsgId":23456789242365260}',3630852354430338807);
INSERT INTO events VALUES(44,'shop','oStays_1','click',1795915815000000,1795915815078868,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"CLICK","EventKey":"MENU_1"}',-2389347150419829462);
INSERT INTO events VALUES(45,'shop','oStays_1','text',1795915815000000,1795915815080223,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"text","Content":"shop 2","MsgId":23456789324433119}',-8906146630014851484);
INSERT INTO events VALUES(46,'shop','oStays_1','click',1795915815000000,1795915815081503,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"CLICK","EventKey":"MENU_2"}',2782191593691904921);
INSERT INTO events VALUES(47,'shop','oStays_1','text',1795915815000000,1795915815082949,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"text","Content":"shop 3","MsgId":23456789526221333}',3264644908615665694);
INSERT INTO events VALUES(48,'shop','oStays_1','click',1795915815000000,1795915815084404,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"CLICK","EventKey":"MENU_3"}',-9169753715097587738);
INSERT INTO events VALUES(49,'shop','oStays_1','text',1795915815000000,1795915815086591,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"text","Content":"shop 4","MsgId":23456789855784283}',6978768926531209524);
INSERT INTO events VALUES(50,'shop','oStays_1','click',1795915815000000,1795915815087871,1,'{"ToUserName":"gh_000000000002","FromUserName":"oStays_1","CreateTime":1795915815,"MsgType":"event","Event":"CLICK","EventKey":"MENU_4"}',1734324974888725707);
CREATE TABLE event_keys (
                account VARCHAR(64) NOT NULL,
                dedup_key VARCHAR(128) NOT NULL,
                seq BIGINT NOT NULL,
                receive_time BIGINT NOT NULL,
                PRIMARY KEY (account, dedup_key));
INSERT INTO event_keys VALUES('main','5758235bf8436d618d04113f2b196082680e1d797814fe159246319e0bd971c0',1,1795915814979039);
INSERT INTO event_keys VALUES('main','7145b7c7404cde03b0dbcea5f21bd07c60c35538b8e74820a7e7c32028cf9ce0',2,1795915814995601);
INSERT INTO event_keys VALUES('main','f20ea329a65c7ce1f8c1f236ef5672a22116a689e00a50b219336d7702df408d',3,1795915814999495);
INSERT INTO event_keys VALUES('main','f07a00f38b783f2e3216f7264394fe374e6eda0ab9a8148710715d7c2a1bf290',4,1795915815004223);
INSERT INTO event_keys VALUES('shop','029f00c40a96b69729a4f5f368b7b493aabe72e500b1a2d17e7c6e07a1c8ae7d',5,1795915815008361);
INSERT INTO event_keys VALUES('main','2424f9b29ee964212c302b78a4de25dcb222926f7c4ac60c49f15f13666a3a6a',6,1795915815012207);
INSERT INTO event_keys VALUES('main','7ac7d49d1699d827699e2d9c036811e492a10ec5fbe52f87045c978ba1159d32',7,1795915815014559);
INSERT INTO event_keys VALUES('main','3fcce6f00765ce3bd98df50f99b97eb6671d29ce522aa688ca936e9bd0f8f5ad',8,1795915815018368);
INSERT INTO event_keys VALUES('main','41c1f696d228befb94a91d0e94729eaafa04ef7970ec16490b2f8fe67c3edf40',9,1795915815020785);
INSERT INTO event_keys VALUES('main','f45d82f50dec28969f8a1ebfe4763c9ac4274c32195423aa62eb7bc10de15f49',10,1795915815022436);
INSERT INTO event_keys VALUES('main','881124343acb2ce2555e49d7f79654f16d7cba99e0659b2630d9308e43d3d276',11,1795915815024355);
INSERT INTO event_keys VALUES('main','34906c27d345f20abc7f5497f1883184147f901d7db7e24fd912a5c3d770b5fc',12,1795915815026247);
INSERT INTO event_keys VALUES('main','e4313d73656f560631d3bd32662e23cb0b89fc7fb358ae7cc64265b50a12025c',13,1795915815027769);
INSERT INTO event_keys VALUES('main','822ef94bb1ae047b22b51726bad3470cc0cf37720eb4f780943812c67828455c',14,1795915815030063);
INSERT INTO event_keys VALUES('main','dd29e6202ba19ce12f1bb2224e34881d23d8fd164ce5982c529dd7ffd809e82e',15,1795915815031550);
INSERT INTO event_keys VALUES('main','0de07c562de1a08a0fee13f290a15eb3806082e4ea930faa996f594632fbcb4b',16,1795915815033848);
INSERT INTO event_keys VALUES('main','a98d4c2152e4e6ed474fdb9bdba6b062450a381dc387801793286ecf5b4cc45f',17,1795915815035220);
INSERT INTO event_keys VALUES('main','b5586885ca2c03862cfe59727bd5f5a5044406f19a08aa9cd790f04461e10a12',18,1795915815037071);
INSERT INTO event_keys VALUES('main','6607f1899c638814bba2b960d630285d9f183dc38dbb17c06b8a238a869a60f7',19,1795915815038351);
INSERT INTO event_keys VALUES('main','088287d2bd0853e5344fdfa729774aa9387a7b0076d44de7bb3dc5daa09cea83',20,1795915815040030);
INSERT INTO event_keys VALUES('main','d3e50e19f74f5d937808169c759d4bf634348a3a22295861a64e8bc34b28e5f7',21,1795915815041273);
INSERT INTO event_keys VALUES('main','7049fcb77bb0fc0fde0321e88afe3f03aa29ba3f5caa37623ff6fc165f072470',22,1795915815043237);
INSERT INTO event_keys VALUES('main','820c934c36550897667eaa9c57fe15f2f37d143d5185c7a42ab597c730c3e773',23,1795915815044500);
INSERT INTO event_keys VALUES('main','271d11d70674162c7f0483c3698d74e8a79a4b899dab4f9d873bbd1a0bae9de3',24,1795915815046366);
INSERT INTO event_keys VALUES('main','f5e98ed150cd6f6b474dc603c718dcfde31967acb62002d1697339bf053e96df',25,1795915815047797);
INSERT INTO event_keys VALUES('main','e942ae873bbce05d9bec0508092a6f321dc5efbcb42799ab80f4e28435050e8f',26,1795915815049337);
INSERT INTO event_keys VALUES('main','b556ae6fac5291acfcb523aa95c6b51a27164aeaa2974cb24d21563d23933859',27,1795915815050742);
INSERT INTO event_keys VALUES('main','612da81e10c9415c7eedd46cebbe89edd8c7dbb824cd8e1a5ad2c431bf3ae279',28,1795915815053029);
INSERT INTO event_keys VALUES('main','a50ef57607c5efe7dd475ca60303f41274c0a38e750d32eee84a317e0b9460a4',29,1795915815054346);
INSERT INTO event_keys VALUES('main','bdc8af116f1ed3e694859658244369564e0f9dd5eaf6297af57b6628adef0db4',30,1795915815056228);
INSERT INTO event_keys VALUES('main','8dcc3f782e958d9b6731557a381c719085daa284671fae3140944aca9036227b',31,1795915815057625);
INSERT INTO event_keys VALUES('main','5a4f596b31d3b2ea0561df3a0aba0b97697672f526f7517fc12c03777705b3bf',32,1795915815059195);
INSERT INTO event_keys VALUES('main','d7df3fa62fd7183bbaee3d67408559fd8749bd868d3add1462e7f7fc5b1033bc',33,1795915815060855);
INSERT INTO event_keys VALUES('main','efa201c35bc82fca64c988aa11c2aafbe7c66b6e185fdc68bd79b3420eedf65f',34,1795915815062577);
INSERT INTO event_keys VALUES('main','65f9a3995ad0f248ca78edb6e4aeb3318b84798563820e6994ad4389e0feb31a',35,1795915815064165);
INSERT INTO event_keys VALUES('main','54435f8266b876ae95cf70fb8f3cfdb03922c561de6a75bbd356441d847a11ed',36,1795915815065673);
INSERT INTO event_keys VALUES('main','f5a314e2f720549aa276b89f2798e2b9350ae33f2b51da41045e944e49d4b150',37,1795915815067068);
INSERT INTO event_keys VALUES('main','c40dbc5f289c810a252919050e5f0a2f79d5b25c344105e80fa9ac3deb181233',38,1795915815068344);
INSERT INTO event_keys VALUES('main','6e2083a7125bdc7352f88aec87a7d6598aad9cbc68b85927e9c0f56e03d60250',39,1795915815070147);
INSERT INTO event_keys VALUES('main','980a52987ef2fa644c10c8c353244e02b35229f0e8839a199b5e2c08413ce237',40,1795915815071410);
INSERT INTO event_keys VALUES('shop','2425ae621a6a39973766f5a376524129dd955259cd3f7ff85194b9b9a4a9c662',41,1795915815073537);
INSERT INTO event_keys VALUES('shop','dde786c6ebfb0318796f86ec5b684b0d6728929c367406c575d2294c6b63143f',42,1795915815075055);
INSERT INTO event_keys VALUES('shop','79384af00e3948c2ef23ea594ab26a253bf908917c4099972c494f0081b2b8a7',43,1795915815077402);
INSERT INTO event_keys VALUES('shop','ac259c47b54d7f9aca822f8083c7865b92bd574e471e58cdf2c4f4a8e54dfc24',44,1795915815078868);
INSERT INTO event_keys VALUES('shop','472cdb366b3a4dabd996d6b6f2f2ed794d3169655842a41be77218cf29120da1',45,1795915815080223);
INSERT INTO event_keys VALUES('shop','a1dd9ea3cb1a712c16fd32d56d6dc41fcf9498f42aa8bd4f28f78db921c403f4',46,1795915815081503);
INSERT INTO event_keys VALUES('shop','f54e35eb6aa4f10ec1431f84b0aef7dfafb233dfae4bbdf20e9407dd8301e046',47,1795915815082949);
INSERT INTO event_keys VALUES('shop','1a9beac1bba99ff4bff9f71a9bda523831f3cdaf2cb0d2693e20c9fbedc030ba',48,1795915815084404);
INSERT INTO event_keys VALUES('shop','79e7c7ecc59ebb1ee4c4e29db0831e5bc03c02af9d8a9ed9f2db02a758156e16',49,1795915815086591);
INSERT INTO event_keys VALUES('shop','19b5c8a59e21ffb6ede1149a3e2d892e347a4c1d8c8b9244fd14ba09d711d907',50,1795915815087871);
CREATE TABLE subscribers (
                account VARCHAR(64) NOT NULL,
                openid VARCHAR(128) NOT NULL,
                unionid VARCHAR(128) NOT NULL,
                subscribed SMALLINT NOT NULL,
                state_time BIGINT NOT NULL,
                subscribe_time BIGINT NOT NULL,
                unsubscribe_time BIGINT NOT NULL,
                subscribe_scene TEXT NOT NULL,
                remark TEXT NOT NULL,
                group_id BIGINT NOT NULL,
                tag_ids VARCHAR(512) NOT NULL,
                qr_scene BIGINT NOT NULL,
                qr_scene_str TEXT NOT NULL,
                language TEXT NOT NULL,
                nickname TEXT NOT NULL,
                head_image_url TEXT NOT NULL,
                sex BIGINT NOT NULL,
                city TEXT NOT NULL,
                province TEXT NOT NULL,
                country TEXT NOT NULL,
                last_inbound_time BIGINT NOT NULL,
                message_time BIGINT NOT NULL,
                message_expire_time BIGINT NOT NULL,
                message_left BIGINT NOT NULL,
                action_time BIGINT NOT NULL,
                action_expire_time BIGINT NOT NULL,
                action_left BIGINT NOT NULL,
                profile_time BIGINT NOT NULL,
                seen_time BIGINT NOT NULL,
                erase_time BIGINT NOT NULL,
                update_time BIGINT NOT NULL, refused_time BIGINT NOT NULL DEFAULT 0,
                PRIMARY KEY (account, openid));
INSERT INTO subscribers VALUES('main','oStays_1','uStays_1',1,1795915814000000,1795915814000000,0,'ADD_SCENE_SEARCH','老顾客',0,',2,134,',0,'','zh_CN','','',0,'','','',1795915815000000,1795915815000000,1796088615000000,5,1795915815000000,1795915875000000,2,1795915815061478,1795915815093868,0,1795915815091637,0);
INSERT INTO subscribers VALUES('main','oLeft_1','uLeft_1',0,1795915815000000,1795915814000000,1795915815000000,'ADD_SCENE_SEARCH','a''s "quoted" 鸿雁🪿',0,'',0,'','zh_CN','','',0,'','','',1795915815000000,1795915815000000,0,0,1795915814000000,0,0,1795915814996669,0,0,1795915815070147,0);
INSERT INTO subscribers VALUES('main','oClosed_1','',0,1795915815000000,1795915815000000,1795915815000000,'','',0,'',0,'','','','',0,'','','',1795915815000000,0,0,0,1795915815000000,0,0,0,1795915815093868,1795915815071410,1795915815071410,0);
INSERT INTO subscribers VALUES('shop','oStays_1','uStays_1',1,1795915815000000,1795915815000000,0,'ADD_SCENE_SEARCH','',0,'',0,'','zh_CN','','',0,'','','',1795915815000000,1795915815000000,1796088615000000,5,1795915815000000,1795915875000000,3,1795915815010028,1795915815100120,0,1795915815087871,0);
INSERT INTO subscribers VALUES('main','oDeleted_1','uDeleted_1',1,1795915814000000,1795915814000000,0,'ADD_SCENE_SEARCH','',0,'',0,'','zh_CN','','',0,'','','',0,0,0,0,0,0,0,1795915815096614,1795915815093868,0,1795915815097048,0);
INSERT INTO subscribers VALUES('main','oListed_1','uListed_1',1,1795915815000000,1795915815000000,0,'ADD_SCENE_SEARCH','',0,'',0,'','zh_CN','','',0,'','','',0,0,0,0,0,0,0,1795915815096614,1795915815093868,0,1795915815097048,0);
INSERT INTO subscribers VALUES('main','oListed_2','uListed_2',1,1795915815000000,1795915815000000,0,'ADD_SCENE_SEARCH','',0,'',0,'','zh_CN','','',0,'','','',0,0,0,0,0,0,0,1795915815096614,1795915815093868,0,1795915815097048,0);
INSERT INTO subscribers VALUES('shop','oListed_3','',1,0,0,0,'','',0,'',0,'','','','',0,'','','',0,0,0,0,0,0,0,0,1795915815100120,0,1795915815100431,0);
CREATE TABLE subscriber_syncs (
                account VARCHAR(64) NOT NULL PRIMARY KEY,
                next_openid VARCHAR(128) NOT NULL,
                start_time BIGINT NOT NULL,
                finish_time BIGINT NOT NULL,
                total BIGINT NOT NULL,
                listed BIGINT NOT NULL,
                fetched BIGINT NOT NULL, profiles_since BIGINT NOT NULL DEFAULT 0, departed BIGINT NOT NULL DEFAULT 0);
INSERT INTO subscriber_syncs VALUES('main','',1795915815093867,1795915815097509,5,5,4,1795829415093867,0);
INSERT INTO subscriber_syncs VALUES('shop','',1795915815100119,0,2,2,0,1795915815100119,0);
CREATE TABLE event_erasures (
                account VARCHAR(64) NOT NULL,
                openid VARCHAR(128) NOT NULL,
                until_seq BIGINT NOT NULL,
                PRIMARY KEY (account, openid));
CREATE INDEX events_by_account ON events (account, seq);
CREATE INDEX events_by_time ON events (receive_time);
CREATE INDEX event_keys_by_time ON event_keys (receive_time);
CREATE INDEX subscribers_by_unionid ON subscribers (account, unionid);
CREATE INDEX subscribers_to_erase ON subscribers (subscribed, erase_time, unsubscribe_time);
CREATE INDEX events_by_person ON events (account, openid);
COMMIT;
