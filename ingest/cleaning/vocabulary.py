"""The words of web pages, by what they give away: buttons, advertisements, copyright notes, lists of other posts.

Pieces of regular expressions, one alternative a line; `any_of` joins them.
"""

from __future__ import annotations


def any_of(alternatives: str) -> str:
    """One regular expression that matches any of the lines."""
    return "|".join(line.strip() for line in alternatives.strip().splitlines())


COUNT = r"[（(]?\d[\d,.]*\s*[kKwWmM万萬+]?[)）]?"
DATE = r"(?:19|20)\d{2}\s*[-年./]\s*\d{1,2}\s*[-月./]\s*\d{1,2}\s*日?"
TIME = rf"{DATE}\s*\d{{1,2}}:\d{{2}}(?::\d{{2}})?"
DAY = rf"(?:{TIME}|{DATE})"

# Whole lines of these words, counters and dates are buttons.
BUTTONS = any_of(r"""
    打赏|赞赏(?:支持)?|讚賞|(?:微信|支付宝|支付寶)?扫一扫|微信支付|支付宝|点赞数?|點讚|赞同|反对|收藏(?:数|夹)?|举报|舉報|喜欢
    喜歡|不喜欢|在看|热度
    分享(?:到.{0,12})?|转发|轉發|评论|評論|条评论|添加评论|写评论|回复|回覆|申请转载|人赞同了该(?:回答|文章)|人收藏|次阅读
    关注(?:作者|博主|我们|我|微信|问题|者|TA|他|她)?|觉得还不错[?？]?\s*一键收藏|已关注|私信|订阅(?:专栏)?|专栏收录该内容|QQ空间
    微博|微信|朋友圈
    阅读全文|阅读原文|阅读量|閱讀量|阅读|閱讀|浏览量|浏览|瀏覽|点击查看(?:答案|更多|全文|详情|原文)|查看更多
    展开(?:全部|阅读全文)?|收起
    复制(?:代码|链接|成功)?|AI写代码|运行|编辑|編輯|删除|下载|目录|版权|返回(?:顶部|目录|首页)|回到(?:顶部|目录)
    登录后(?:才能|即可|可)?(?:评论|回复|发表评论)|发表(?:回复|评论)|發表(?:回覆|留言|評論)|首页|首頁|登录|登入|注册|註冊
    您还未登录，请先\s*登录\s*后发表或查看评论|参与评论|写下你的评论.{0,3}|专栏目录|写文章|(?:点击)?查看全部评论|默认(?=$|\s*最新)
    加关注|刷新页面|打赏作者|作者最新文章
    \d+\s*篇文章|\d+\s*订阅|字数|点击查看活动详情|赞赏支持|人点赞|个赞|个粉丝|园龄|昵称|粉丝|码龄\s*\d+\s*年|博客等级|原创|周排名
    总排名|访问|积分|登录\s*/\s*注册.{0,12}
    标签[:：]?|发送|Ctrl \+ Enter|标点符号、链接等不计算在有效字数内|创作声明[:：]\s*包含\s*AI\s*辅助创作|请先登录.{0,6}
    还没有人评论.{0,12}|暂无评论|赞(?=\s*\d)|首发于|打开(?:APP|知乎|微信).{0,6}|默认排序|按时间排序|发布于|全文完|未完待续
    share|tweet|likes?|following|follow|subscribe|sign in|sign up|log in|reply|leave a (?:reply|comment)|comments?|views?
    copy link|copy|edit this page(?: on github)?|edit|back to (?:top|contents|menu)|read more|bookmark|save|claps?
    responses?|\d+ min read|open in app|listen|press enter or click to view image in full size|\d[\d.]*[kKmM]? followers|previous
    next|print|report|skip to (?:main )?content|table of contents
""")
# A note can use these words for its own headings and cells: alone on a line they prove nothing.
AMBIGUOUS_BUTTONS = any_of(r"""
    目录|标签|发送|原创|访问|积分|字数|昵称|粉丝|默认|运行|微信|微博|版权|删除|编辑|編輯|下载|阅读|閱讀|评论|評論|热度|反对|喜欢
    分享|回复
    next|previous|edit|copy|save|listen|write|print|report|likes?|follow|share|reply|table of contents|views?|comments?|responses?
""")
MENU = any_of(r"""
    首页|首頁|主页|归档|歸檔|标签|標籤|分类|分類|关于(?:我|我们|本站)?|關於|友链|友情链接|留言板?|登录|登入|注册|註冊|搜索|订阅
    RSS|联系我们
    上一页|下一页|目录|导航|热门|最新|专栏|博客|新闻|文档|下载|English|简体中文|繁體中文
    home|about(?: us)?|archives?|tags?|categories|blog|docs|login|sign in|contact(?: us)?|search|menu
    privacy(?: policy)?|terms(?: of service)?
""")

ADVERTISEMENTS = any_of(r"""
    ☞{2,}|☜{2,}|👇{2,}|👉{2,}
    (?:关注|關注|搜索|微信搜|长按|扫码|掃碼|识别二维码|扫描二维码).{0,20}(?:公众号|公眾號|二维码|小程序|领取|进群|入群|加我)
    (?:公众号|公眾號).{0,16}(?:回复|后台|关注|领取|同名)
    (?:加|添加)(?:我|小编|作者|助手)?.{0,6}(?:微信|wx|vx|v信|好友).{0,24}(?:群|拉你|备注|领取)
    (?:加入|进)(?:交流群|微信群|QQ群|星球)|(?:交流|学习|面试)群.{0,12}(?:加|扫码|人满)
    (?:免费|限时|立即)(?:无限量)?(?:领取|试用|报名|体验|下载|使用).{0,30}(?:点击|戳|链接|模型|课程|资料|优惠)?\s*$
    点击上方.{0,24}(?:关注|星标)|设为星标|置顶公众号|第一时间(?:获取|收到|送达|推送).{0,8}(?:干货|文章|资讯|更新|内容|推送)
    点个.{0,6}(?:在看|赞)|(?:点赞|分享).{0,6}在看|一键三连
    (?:欢迎|点个|给个|记得).{0,12}(?:star|⭐|小星星|三连|点赞)\W*$
    如果.{0,12}对(?:你|您|大家)有(?:所)?帮助.{0,24}(?:star|⭐|点赞|关注|支持|收藏)
    ^\W*(?:确定要放弃本次机会|福利倒计时|立减\s*¥|普通VIP年卡可用|立即使用|点击重新获取|扫码支付|实付元|使用余额支付|钱包余额|余额充值|抵扣说明|超级会员免费看)
    (?:订阅专栏|付费)\s*解锁全文|最低\d+\.\d+元/天|已收录(?:于|至|到).{0,20}专栏|参与.{0,30}(?:创作活动|征文|更文挑战|打卡)
    被折叠的\s*\d+\s*条
    ^\W*(?:商务合作|投稿|转载|联系)(?:请)?(?:加|联系)?(?:微信|邮箱|方式)\s*[:：]
    点击(?:下方|上方|这里|此处|文末)(?:的)?(?:链接|卡片|阅读原文|关注|下载|领取|进入|查看更多)|点击(?:领取|报名|关注|下载资料)
    (?:优惠券|优惠码|秒杀|拼团|训练营).{0,12}(?:领取|报名|立减|折|\d元)
    \b(?:sponsored|advertisement|promoted)\b\s*:?\s*$
    \b(?:subscribe to|sign up for|join) (?:our|my|the|a) (?:\w+ )?(?:newsletter|mailing list)\b
    \buse (?:promo |the )?code [A-Z0-9]{4,}\b|\bbuy me a coffee\b|\bbecome a (?:paid )?(?:member|patron|subscriber)\b
    (?<![a-z])thanks for reading\b.{0,100}\b(?:clap|follow|subscribe)|本文正在参加.{0,24}(?:计划|活动|征文)
    已收录(?:至|到|于).{0,16}(?:github|gitee).{0,24}star
    (?:完整版|全套|这份|整套|大礼包).{0,60}(?:免费|无偿)(?:领取|分享|获取|赠送)
    (?:扫描|扫码|微信).{0,24}(?:二维码|卡片).{0,16}(?:免费)?领取|免费分享(?:出来|给)
    \bfollow (?:me|us) on (?:twitter|x|linkedin|medium|github)\b
""")
COPYRIGHT = any_of(r"""
    版权声明|版權聲明|版权归.{0,12}所有|著作权归.{0,12}所有|著作權歸.{0,12}所有|转载请(?:注明|联系|保留|标明)|轉載請|禁止转载
    未经.{0,10}(?:许可|授权|允许).{0,12}(?:转载|禁止)|本站仅提供信息存储|不拥有所有权|不承担相关法律责任|涉嫌(?:抄袭)?侵权
    侵权.{0,10}(?:联系|删除|刪除)|如有侵权|侵删
    文章来源于网络|本文(?:为|系)?(?:博主)?原创(?:文章)?[，,].{0,20}(?:CC|转载|协议)|遵循.{0,6}CC\s*[\d.]+\s*BY|署名-?非商业
    BY-(?:NC-)?SA.{0,20}(?:协议|许可|licen[cs]e)|^\W*CC\s*[\d.]+\s*BY|本(?:文|作品|博客)?.{0,16}采用.{0,30}(?:许可|协议)
    ^\W*本文(?:链接|地址|作者|首发于)\s*[:：]|^\W*(?:原文|文章)(?:链接|出处|来源|地址)\s*[:：]\s*(?:http|www)
    ^\W*(?:发布者|责任编辑|文章作者)\s*[:：]
    ^\W*文章标签\s*[:：]|(?:©|\(c\)|copyright)\s*(?:\d{4}|.{0,30}all rights reserved)|all rights reserved
    (?:licensed|released|available) under (?:a |the )?(?:cc|creative commons)|posted @ \d{4}
    ^\W*链接\s*[:：]\s*https?://\S+\s*$
    ^\W*来源\s*[:：]\s*(?:知乎|牛客|CSDN|掘金|简书|博客园|微信公众号|网络|百度|哔哩|公众号|腾讯云|阿里云|InfoQ).{0,20}$
    社区内容提示|平台声明|仅代表作者本人观点|仅提供信息存储服务|著作权归作者所有|商业转载请联系
    (?:京|沪|粤|浙|苏|蜀|闽|皖|鲁|渝|湘|鄂)(?:ICP|公网安备)
""")
CLOSING = any_of(r"""
    ^\s*以上(?:就是|便是|为|為|内容为|內容為).{0,80}(?:详细内容|全部内容|更多.{0,10}(?:关注|文章|内容))
    ^\W*(?-i:END|THE END)\W*$|^\W*[（(\-—~]+\s*(?:全文)?完\s*[）)\-—~]+\W*$
    更多.{0,30}(?:请|敬请)关注.{0,30}(?:其[他它]|相关).{0,8}文章
""")
NEIGHBOURS = r"(?:上一[篇章页頁]|下一[篇章页頁]|前一篇|后一篇|(?:previous|next) (?:post|article|page|chapter))"

# Lines that head a list of other posts.
RELATED = any_of(r"""
    (?:相关|相關|热门|熱門|最新|精彩|更多|推荐|推薦|随机|同类)(?:的)?(?:推荐|推薦|阅读|閱讀|文章|博文|帖子|资讯|視頻|视频|专题|话题|博客|搜索)(?:列表|推荐|阅读)?
    (?:相关|相關|热门|熱門)(?:问题|問題|问答|回答|标签|内容|內容)|猜你(?:喜欢|喜歡|感兴趣|想看).{0,6}
    你可能(?:还|還|也)?(?:感兴趣|喜欢|想看|會喜歡|会喜欢).{0,6}(?:[:：]?\s*[（(][^()（）]{0,80}[)）])?
    大家都在(?:看|搜)|看了(?:本文|该文章|又看).{0,8}|本(?:站|类)(?:推荐|热门|最新).{0,4}
    往期(?:推荐|推薦|回顾|回顧|精彩|文章|好文|精选|热文).{0,6}|推荐(?:阅读|文章).{0,4}|延伸阅读|历史文章|系列文章.{0,4}
    理性发言，友善互动|(?:全部|最新|热门|熱門|精选|网友|用户)(?:评论|評論|留言).{0,8}|评论区|留言区
    为你推荐|编辑推荐|阅读排行.{0,4}|热门推荐|最新文章|常用链接|随笔(?:档案|分类)|最新随笔|我的标签|积分与排名|更多精彩内容.{0,16}
    .{0,3}相关推荐.{0,3}对你有帮助么.?
    sign up to discover human stories.{0,80}|written by .{1,40}|no responses yet|get .{1,40} stories in your inbox
    recommended reading
    you (?:may|might) (?:also )?(?:like|enjoy|be interested in)|related (?:posts?|articles?|stories|content|questions|links)
    recommended(?: (?:for you|posts?|articles?|from medium))?|more (?:from|like this|stories|posts|articles)\b.{0,40}
    (?:popular|recent|latest|trending) (?:posts?|articles?|stories)|people also (?:ask|viewed|read)|read next|up next|keep reading
""")

# Names of sites, as the titles of their pages end with.
SITES = any_of(r"""
    CSDN博客|CSDN|知乎|知乎专栏|掘金|稀土掘金|简书|简书 - 创作你的创作|博客园|语雀|飞书(?:云)?文档|牛客(?:网)?|SegmentFault 思否
    思否|开源中国|阿里云开发者社区
    腾讯云开发者社区(?:-腾讯云)?|InfoQ|哔哩哔哩|微信公众平台|个人博客|Medium|DEV Community|Stack Overflow|Substack
    Towards Data Science|GitHub
""")
