package sites_test

import (
	"maps"
	"strings"
	"time"
)

const mimeTypes = `types {
	text/html html htm;
	text/css css;
	text/plain txt;
	application/javascript js;
	application/json json;
	image/svg+xml svg svgz;
	image/png png;
	font/woff2 woff2;
	application/xml xml;
}
`

// with are files beside mime.types.
func with(files map[string]string) map[string]string {
	files = maps.Clone(files)
	files["mime.types"] = mimeTypes
	return files
}

const compresses = "Accept-Encoding: gzip, deflate"

var sites = []site{
	{
		name: "cached files",
		files: with(map[string]string{
			"public/index.html":          "<!doctype html><p>" + strings.Repeat("home ", 200) + "</p>\n",
			"public/app.5f3a.js":         strings.Repeat("let x = 1;\n", 100),
			"public/app.css":             "p {}\n",
			"public/logo.svg":            "<svg>" + strings.Repeat("<path/>", 100) + "</svg>\n",
			"public/text.woff2":          "font",
			"public/service-worker.js":   "self.skipWaiting();\n",
			"public/feeds/all.xml":       "<rss/>\n",
			"public/daily/news.html":     "<p>news</p>\n",
			"public/.git/config":         "[core]\n",
			"public/download/readme.txt": "read me\n",
		}),
		visits: []visit{
			{send: get("/"), want: []string{"200 OK", "Content-Type: text/html; charset=utf-8", "Expires: now+600 s", "Cache-Control: max-age=600", "X-Frame-Options", "home"}},
			{send: get("/", compresses), want: []string{"Vary: Accept-Encoding", "Content-Encoding: gzip", "home"}},
			{send: get("/", "Accept-Encoding: gzip;q=0")},
			{send: get("/app.5f3a.js"), want: []string{"Content-Type: application/javascript", "Expires: now+31536000 s", "Cache-Control: max-age=31536000", "Cache-Control: public, immutable"}},
			{send: get("/app.5f3a.js", compresses), want: []string{"Content-Encoding: gzip", "let x"}},
			{send: get("/app.5f3a.js", compresses, "If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT"), want: []string{"304 Not Modified", "Cache-Control: max-age=31536000"}},
			{send: get("/app.css", compresses), want: []string{"Content-Length: 5"}},
			{send: get("/logo.svg", compresses), want: []string{"image/svg+xml", "Content-Encoding: gzip"}},
			{send: get("/text.woff2", compresses), want: []string{"font/woff2", "Content-Length: 4"}},
			{send: get("/service-worker.js", "If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT"), want: []string{"200 OK", "Cache-Control: no-store"}},
			{send: get("/feeds/all.xml"), want: []string{"application/rss+xml", "Expires: Thu, 01 Jan 1970 00:00:01 GMT", "no-cache"}},
			{send: get("/daily/news.html"), want: []string{"Expires: now-1 s", "Cache-Control: no-cache"}},
			{send: get("/.git/config"), want: []string{"403 Forbidden", "X-Frame-Options: SAMEORIGIN"}},
			{send: get("/missing"), want: []string{"404 Not Found", "X-Frame-Options"}},
			{send: get("/download"), want: []string{"301 Moved Permanently", "Location: http://example.test:port/download/"}},
			{send: get("/download/readme.txt", "Range: bytes=5-"), want: []string{"206", "Content-Range: bytes 5-7/8", "me\n"}},
			{send: request("HEAD", "/", "Host: example.test", compresses), want: []string{"200 OK"}},
		},
	},
	{
		name: "single page",
		files: with(map[string]string{
			"dist/index.html":    "<div id=app></div>\n",
			"dist/assets/app.js": "run();\n",
			"dist/about/x.html":  "x\n",
			"dist/50x.html":      "later\n",
		}),
		visits: []visit{
			{send: get("/"), want: []string{"200 OK", "no-store", "id=app"}},
			{send: get("/users/7/edit?tab=2"), want: []string{"200 OK", "id=app"}},
			{send: get("/about/"), want: []string{"403"}},
			{send: get("/about")},
			{send: get("/assets/app.js"), want: []string{"200 OK", "Expires: Thu, 31 Dec 2037 23:55:55 GMT", "Cache-Control: max-age=315360000", "Cache-Control: public"}},
			{send: get("/assets/missing.js"), want: []string{"404"}},
			{send: get("/api/users"), want: []string{"404", "application/json", `"/api/users"`}},
			{send: get("/health"), want: []string{"text/plain", "ok"}},
			{send: get("/legacy/page-12.html"), want: []string{"302", "Location: http://example.test:port/#/page/12"}},
			{send: get("/legacy/other"), want: []string{"200 OK", "id=app"}},
			{send: get("/50x.html"), want: []string{"404"}},
			{send: get("/../etc/passwd"), want: []string{"400"}},
			{send: get("/a/b") + get("/assets/app.js") + get("/health"), want: []string{"id=app", "run()", "ok"}},
			{send: request("POST", "/form", "Host: a", "Content-Length: 3") + "a=b", want: []string{"405"}},
		},
	},
	{
		name: "downloads",
		files: map[string]string{
			"pub/README":                 "what is here\n",
			"pub/image.iso":              strings.Repeat("0123456789abcdef", 20_000),
			"pub/v1.0/tool.tar.gz":       "not really\n",
			"pub/v1.0/notes & more.txt":  "notes\n",
			"pub/v1.0/ünïcode <b>.txt":   "unicode\n",
			"pub/v1.0/.hidden":           "hidden\n",
			"pub/v1.0/" + longName:       "long\n",
			"pub/empty/.keep":            "",
			"pub/two words/in here.html": "<p>\n",
		},
		visits: []visit{
			{send: get("/"), want: []string{"200 OK", "text/html", "Index of /", "README"}},
			{send: get("/v1.0/"), want: []string{"notes &amp; more.txt"}},
			{send: get("/v1.0"), want: []string{"301", "/v1.0/"}},
			{send: get("/empty/")},
			{send: get("/two%20words/"), want: []string{"in%20here.html"}},
			{send: get("/exact/v1.0/")},
			{send: get("/json/"), want: []string{"application/json", `"name":"README"`, `"size":13`}},
			{send: get("/json/v1.0/")},
			{send: get("/xml/v1.0/"), want: []string{"text/xml"}},
			{send: get("/README"), want: []string{"application/octet-stream", "Accept-Ranges: bytes", "what is here"}},
			{send: get("/image.iso"), want: []string{"Content-Length: 320000", "attachment"}},
			{send: get("/image.iso", "Range: bytes=319990-"), want: []string{"206", "bytes 319990-319999/320000", "6789abcdef"}},
			{send: get("/image.iso", "Range: bytes=0-1,5-6"), want: []string{"200 OK"}},
			{send: get("/image.iso", "Range: bytes=-16", `If-Range: "wrong"`), want: []string{"200 OK"}},
			{send: get("/image.iso", "Range: bytes=400000-"), want: []string{"416", "bytes */320000"}},
			{send: request("HEAD", "/image.iso", "Host: a"), want: []string{"Content-Length: 320000"}},
			{send: get("/search"), want: []string{"200 OK"}},
			{send: get("/search"), want: []string{"200 OK"}},
			{send: get("/search"), want: []string{"429"}},
			{send: get("/slow/image.iso"), hold: true, want: []string{"200 OK"}},
			{send: get("/slow/image.iso"), want: []string{"429"}},
			{send: get("/image.iso", "Range: bytes=0-9"), want: []string{"206"}},
			{to: "paced", send: get("/image.iso", "Range: bytes=0-40959", "Connection: close"), want: []string{"206"}, takes: 900 * time.Millisecond},
		},
	},
	{
		name: "many names",
		files: map[string]string{
			"moved.map":                "/old        /new;\n/old/deeper https://new.test/deeper;\n",
			"homes/eu/ada/index.html":  "ada of eu\n",
			"homes/us/bob/page.txt":    "bob's page\n",
			"homes/eu/ada/file.txt":    "file\n",
			"homes/us/bob/index.html":  "bob\n",
			"homes/eu/ada/page.txt":    "ada's page\n",
			"homes/eu/ada/once/me.txt": "never\n",
		},
		visits: []visit{
			{send: from("nobody.test", "/")},
			{send: "GET / HTTP/1.0\r\n\r\n"},
			{send: from("alpha.test", "/"), want: []string{"alpha en hello alpha.test"}},
			{send: from("deep.sub.ALPHA.test", "/", "Accept-Language: de-DE,en"), want: []string{"alpha de hallo"}},
			{send: from("beta.test", "/"), want: []string{"nobody en"}},
			{send: from("a.beta.test", "/", "Accept-Language: fr"), want: []string{"beta-any fr salut"}},
			{send: from("www.beta.test", "/", "Accept-Language: FR"), want: []string{"beta-www fr salut"}},
			{send: from("gamma.example", "/"), want: []string{"gamma en"}},
			{send: from("lock.keys.test:8080", "/"), want: []string{"key-lock en"}},
			{send: from("alpha.test", "/old?x=1"), want: []string{"301", "Location: http://alpha.test:port/new?x=1"}},
			{send: from("alpha.test", "/old/deeper"), want: []string{"Location: https://new.test/deeper"}},
			{send: from("alpha.test", "/blog/2023/a-post/"), want: []string{"/articles/a-post-2023"}},
			{send: from("alpha.test", "/blog/23/a-post/"), want: []string{"200"}},
			{send: from("ada.eu.homes.test", "/"), want: []string{"ada of eu"}},
			{send: from("bob.us.homes.test", "/page.txt"), want: []string{"bob's page"}},
			{send: from("bob.eu.homes.test", "/page.txt"), want: []string{"404"}},
			{send: from("ada.asia.homes.test", "/")},
			{send: from("ada.eu.homes.test", "/once/file.txt"), want: []string{"file\n"}},
			{send: from("ada.eu.homes.test", "/twice/file.txt"), want: []string{"file\n"}},
			{send: from("ada.eu.homes.test", "/p/12/x"), want: []string{"ada's page"}},
			{send: from("ada.eu.homes.test", "/p/12?y=1"), want: []string{"ada's page"}},
			{send: from("ada.eu.homes.test", "/p/x"), want: []string{"404", "no page"}},
			{send: from("ada.eu.homes.test", "/loop"), want: []string{"500"}},
			{send: from("exact.test", "/"), want: []string{"start quiet stranger"}},
			{send: from("www.exact.test", "/?debug", "User-Agent: Curl/8.1", "Cookie: a=b; session=x"), want: []string{"start Curl 8\n"}},
			{send: request("POST", "/", "Host: exact.test", "Content-Length: 0"), want: []string{"start post quiet"}},
			{send: from("exact.test", "/de/wir%20hier"), want: []string{"de wir hier"}},
			{send: from("exact.test.", "/")},
		},
	},
	{
		name: "error pages",
		files: with(map[string]string{
			"public/index.html":      "home\n",
			"public/errors/404.html": "nothing here\n",
			"public/errors/50x.html": "we are sorry\n",
			"public/errors/40x.html": "too much\n",
		}),
		visits: []visit{
			{send: get("/missing"), want: []string{"404 Not Found", "X-Error: 404", "nothing here"}},
			{send: get("/errors/404.html"), want: []string{"404", "nothing here"}},
			{send: get("/fails"), want: []string{"500", "X-Error: 500", "we are sorry"}},
			{send: get("/busy"), want: []string{"503", "Retry-After: 120", "we are sorry"}},
			{send: get("/tea/pot"), want: []string{"200 OK", "tea for /tea/pot"}},
			{send: get("/secret"), want: []string{"404", "nothing here"}},
			{send: get("/sent/away"), want: []string{"302", "Location: https://other.test/missing?from=/sent/away"}},
			{send: get("/empty"), want: []string{"204"}},
			{send: get("/gif"), want: []string{"200 OK", "image/gif", "GIF89a"}},
			{send: get("/chain"), want: []string{"nothing here"}},
			{send: get("/chain2"), want: []string{"410", "nothing here"}},
			{send: get("/flat")},
			{send: get("/flat2")},
			{send: request("POST", "/", "Host: a", "Content-Length: 11") + "12345678901", want: []string{"413", "too much"}},
			{send: request("HEAD", "/missing", "Host: a"), want: []string{"404", "Content-Length: 13"}},
			{send: get("/" + strings.Repeat("x", 9000)), want: []string{"414"}},
			{send: get("/", "X: "+strings.Repeat("x", 9000)), want: []string{"400", "Request Header Or Cookie Too Large"}}, // an error 494, of which there is no page,
			{send: get("/missing") + get("/") + get("/fails"), want: []string{"nothing here", "home", "sorry"}},
		},
	},
	{
		name: "maintenance",
		files: map[string]string{
			"maintenance.on":   "",
			"maintenance.html": "we are back soon\n",
			"page.html":        "open\n",
			"open/x.html":      "x\n",
		},
		visits: []visit{
			{send: get("/"), want: []string{"503 Service Temporarily Unavailable", "Retry-After: 3600", "we are back soon"}},
			{send: get("/any/page?x"), want: []string{"503", "we are back soon"}},
			{send: get("/page.html"), want: []string{"503", "open\n"}},
			{send: get("/open/none"), want: []string{"503"}},
			{send: get("/status"), want: []string{"200 OK", "up"}},
			{send: get("/maintenance.html"), want: []string{"503", "we are back soon"}},
			{send: request("POST", "/", "Host: a", "Content-Length: 5") + "hello"},
			{to: "open", send: get("/"), want: []string{"200 OK", "open"}},
		},
	},
	{
		name: "redirects",
		files: with(map[string]string{
			"about.html":      "about\n",
			"team/index.html": "team\n",
			"index.html":      "home\n",
			"dir/x.html":      "x\n",
		}),
		visits: []visit{
			{send: from("example.test", "/a%20b?c=d&e=%2F"), want: []string{"301 Moved Permanently", "Location: https://example.test/a%20b?c=d&e=%2F"}},
			{send: from("www.example.test", "/"), want: []string{"Location: https://example.test/"}},
			{send: from("unknown.test", "/x"), want: []string{"Location: https://example.test/x"}},
			{send: from("www.apex.test", "/p?q"), want: []string{"Location: http://apex.test/p?q"}},
			{send: from("tidy.test", "/"), want: []string{"home"}},
			{send: from("tidy.test", "/index.html"), want: []string{"301", "Location: http://tidy.test:port/"}},
			{send: from("tidy.test", "/about"), want: []string{"about"}},
			{send: from("tidy.test", "/about/?x=1"), want: []string{"301", "/about?x=1"}},
			{send: from("tidy.test", "/team"), want: []string{"team"}},
			{send: from("tidy.test", "/go/blue?x=1"), want: []string{"302", "Location: https://other.test/blue?ref=tidy\r\n"}},
			{send: from("tidy.test", "/find/a%20b%26c?d=e"), want: []string{"302", "/search?q="}},
			{send: from("tidy.test", "/old.php?id=7"), want: []string{"308", "/new?id=7"}},
			{send: from("tidy.test", "/see-other"), want: []string{"303"}},
			{send: from("tidy.test", "/bare"), want: []string{"302", "Location: http://bare.test/"}},
			{send: from("tidy.test", "/a%0d%0aX:%20y/"), want: []string{"404"}},
			{send: from("relative.test", "/go"), want: []string{"Location: /there"}},
			{send: from("relative.test", "/dir"), want: []string{"301", "Location: /dir/"}},
			{send: from("portless.test", "/go"), want: []string{"Location: http://portless.test/there"}},
			{send: from("portless.test", "/dir?a=b"), want: []string{"Location: http://portless.test/dir/?a=b"}},
		},
	},
	{
		name: "experiment",
		files: map[string]string{
			"index.html":       "blue\n",
			"red/index.html":   "red\n",
			"green/index.html": "green\n",
			"red/only.txt":     "only red\n",
			"common.txt":       "common\n",
		},
		visits: drawn(40,
			visit{send: get("/", "Cookie: group=red"), want: []string{"404"}},
			visit{send: get("/index.html", "Cookie: group=red"), want: []string{"Set-Cookie: group=red; Path=/", "Vary: Cookie", "red\n"}},
			visit{send: get("/index.html", "Cookie: x=y; group=green; z"), want: []string{"group=green", "green\n"}},
			visit{send: get("/index.html", "Cookie: group=purple")},
			visit{send: get("/only.txt", "Cookie: group=red"), want: []string{"only red"}},
			visit{send: get("/only.txt", "Cookie: group=blue"), want: []string{"404"}},
			visit{send: get("/common.txt", "Cookie: group=green"), want: []string{"common"}},
			visit{send: get("/index.html", "Cookie: a=b", "Cookie: group=green"), want: []string{"green\n"}},
		),
	},
	{
		name: "hotlinks",
		files: with(map[string]string{
			"pictures/cat.svg": "<svg>cat</svg>\n",
			"stop.svg":         "<svg>stop</svg>\n",
		}),
		visits: slicesOf(
			refer("/pictures/cat.svg", "200",
				"", "-", "nonsense", "blocked", "http://pictures.test/", "http://pictures.test/a/b?c", "https://PICTURES.test/",
				"http://a.friends.test/x", "http://www.search.test/", "http://news.example/", "http://en.wiki.example/",
				"http://friend.test/gallery/1", "http://pictures.test:8080/", "http://", "https://-"),
			refer("/pictures/cat.svg", "403",
				"http://friends.test/", "http://search.test/", "http://other.test/", "http://friend.test/", "http://friend.test/galler",
				"http://other.test/?pictures.test", "https://pictures.test.evil.test/"),
			refer("/replaced/cat.svg", "cat", "http://pictures.test/"),
			refer("/replaced/cat.svg", "200", "", "http://other.test/"),
		),
	},
	{
		name: "private area",
		files: map[string]string{
			"passwords": "# who may\nada:{PLAIN}secret\nbob:$apr1$abcdefgh$GnU1kGGDOHYd/7rIcoYBm.\n" +
				"carl:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=:comment\ndora:{SSHA}nothing\nempty:\neve:rqXexS6ZhobKA\n",
			"members/page.txt":      "for members\n",
			"members/free.txt":      "free\n",
			"members/open/page.txt": "open\n",
		},
		visits: []visit{
			{send: get("/"), want: []string{"public"}},
			{send: get("/members/page.txt"), want: []string{"401 Unauthorized", `WWW-Authenticate: Basic realm="members"`}},
			{send: get("/members/page.txt", "Authorization: Basic YWRhOnNlY3JldA=="), want: []string{"200 OK", "X-User: ada", "for members"}},
			{send: get("/members/page.txt", "authorization: basic YWRhOnNlY3JldA=="), want: []string{"200 OK"}},
			{send: get("/members/page.txt", "Authorization: Basic YWRhOndyb25n"), want: []string{"401"}},
			{send: get("/members/page.txt", "Authorization: Basic Ym9iOnNlY3JldA==")}, // bob:secret
			{send: get("/members/page.txt", "Authorization: Basic Y2FybDpzZWNyZXQ=")}, // carl:secret
			{send: get("/members/page.txt", "Authorization: Basic ZG9yYTpzZWNyZXQ=")}, // dora:secret
			{send: get("/members/page.txt", "Authorization: Basic ZXZlOnNlY3JldA==")}, // eve:secret
			{send: get("/members/page.txt", "Authorization: Basic ZW1wdHk6"), want: []string{"401"}},
			{send: get("/members/page.txt", "Authorization: Basic bm9ib2R5OnNlY3JldA=="), want: []string{"401"}},
			{send: get("/members/page.txt", "Authorization: Basic ???"), want: []string{"401"}},
			{send: get("/members/page.txt", "Authorization: Basic"), want: []string{"401"}},
			{send: get("/members/page.txt", "Authorization: Bearer YWRhOnNlY3JldA=="), want: []string{"401"}},
			{send: get("/members/free.txt"), want: []string{"200 OK", "free"}},
			{send: get("/members/open/page.txt"), want: []string{"200 OK"}},
			{send: get("/either/page.txt"), want: []string{"401", `realm="office or password"`}},
			{send: get("/either/page.txt", "Authorization: Basic YWRhOnNlY3JldA=="), want: []string{"200 OK"}},
			{send: get("/home/page.txt"), want: []string{"200 OK"}},
			{send: get("/both/page.txt"), want: []string{"401"}},
			{send: get("/both/page.txt", "Authorization: Basic YWRhOnNlY3JldA=="), want: []string{"200 OK"}},
			{send: get("/nofile/x", "Authorization: Basic YWRhOnNlY3JldA==")},
			{send: get("/upload/page.txt"), want: []string{"200 OK"}},
			{send: request("POST", "/upload/page.txt", "Host: a", "Content-Length: 0"), want: []string{"401", `realm="upload"`}},
			{send: request("POST", "/upload/page.txt", "Host: a", "Content-Length: 0", "Authorization: Basic YWRhOnNlY3JldA=="), want: []string{"405"}},
			{send: get("/status"), want: []string{"403"}},
		},
	},
	{
		name:  "limits",
		files: map[string]string{"page": "page\n", "large": strings.Repeat("x", 100_000)},
		visits: []visit{
			{send: from("limits.test", "/login"), want: []string{"200 OK"}},
			{send: from("limits.test", "/login"), want: []string{"503 Service Temporarily Unavailable"}},
			{send: from("limits.test", "/watched"), want: []string{"200 OK", "X-Limit: REJECTED_DRY_RUN"}},
			{send: from("limits.test", "/key"), want: []string{"200 OK"}},
			{send: from("limits.test", "/key", "X-Key: a"), want: []string{"200 OK"}},
			{send: from("limits.test", "/key", "X-Key: a"), want: []string{"200 OK"}},
			{send: from("limits.test", "/key", "X-Key: b"), want: []string{"200 OK"}},
			{send: from("limits.test", "/key", "X-Key: a"), want: []string{"200 OK"}},
			{send: from("limits.test", "/key", "X-Key: a"), want: []string{"429", "Retry-After: 30", "slowly"}},
			{send: from("limits.test", "/key", "X-Key: b"), want: []string{"200 OK"}},
			{send: from("limits.test", "/large"), hold: true, want: []string{"200 OK"}},
			{send: from("limits.test", "/large"), want: []string{"503"}},
			{send: request("POST", "/body", "Host: a", "Content-Length: 5") + "hello", want: []string{"taken"}},
			{send: request("POST", "/body", "Host: a", "Content-Length: 6") + "hello!", want: []string{"413 Request Entity Too Large"}},
			{send: request("POST", "/body", "Host: a", "Transfer-Encoding: chunked") + "6\r\nhello!\r\n0\r\n\r\n"},
		},
	},
	{
		name: "logs",
		log:  "people.log",
		files: map[string]string{
			"index.html": "home\n",
			"a b.html":   "blank\n",
		},
		visits: []visit{
			{send: get("/", "User-Agent: some browser", "Referer: http://from.test/"), want: []string{"home"}},
			{send: get("/a%20b.html?x=y&z=%22", `User-Agent: quote " backslash \ high `+"\xfc\x01"), want: []string{"blank"}},
			{send: get("/", "User-Agent: Monitor/1.0"), want: []string{"home"}},
			{send: get("/raw/x", `User-Agent: as "it" is`), want: []string{"raw"}},
			{send: get("/failed"), want: []string{"404"}},
			{send: get("/fine"), want: []string{"204"}},
			{send: get("/favicon.ico"), want: []string{"404"}},
			{send: get("/missing") + get("/") + request("HEAD", "/", "Host: b"), want: []string{"404", "200", "200"}},
			{send: "nonsense\r\n\r\n", want: []string{"400"}},
			{send: "GET / HTTP/1.1\r\n\r\n", want: []string{"400"}},
			{send: request("POST", "/", "Host: a", "Content-Length: 5") + "hello", want: []string{"405"}},
			{send: get("/", "Range: bytes=0-1", "Authorization: Basic YWRhOng="), want: []string{"206"}},
			{send: "GET /old\r\n"},
			{send: "GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\n\r\n", want: []string{"414"}},
		},
	},
	{
		name: "hardened",
		files: with(map[string]string{
			"public/index.html":                        "home\n",
			"public/.htaccess":                         "deny\n",
			"public/.well-known/acme-challenge/token1": "proof\n",
			"public/.well-known/security.txt":          "Contact: a@b\n",
			"public/site.conf":                         "secret\n",
			"public/dump.sql":                          "secret\n",
			"public/docs/plain.txt":                    "plain\n",
			"public/dir/index.html":                    "dir\n",
		}),
		visits: []visit{
			{send: get("/"), want: []string{"200 OK", "Strict-Transport-Security: max-age=31536000; includeSubDomains", "Content-Security-Policy", "home"}},
			{send: get("/"), want: []string{"200 OK"}},
			{send: get("/missing"), want: []string{"404", "Strict-Transport-Security"}},
			{send: get("/missing"), want: []string{"404"}},
			{send: get("/.htaccess")},
			{send: get("/.well-known/security.txt"), want: []string{"Contact"}},
			{send: get("/.well-known/acme-challenge/token1"), want: []string{"text/plain", "proof"}},
			{send: get("/site.conf"), want: []string{"403"}},
			{send: get("/dump.sql"), want: []string{"403"}},
			{send: get("/robots.txt"), want: []string{"404"}},
			{send: request("DELETE", "/", "Host: a"), want: []string{"405"}},
			{send: request("OPTIONS", "/", "Host: a"), want: []string{"405"}},
			{send: get("/", "User-Agent: SQLMap/1"), want: []string{"403"}},
			{send: get("/?q=<script>"), want: []string{"403"}},
			{send: get("/only-get"), want: []string{"home"}},
			{send: request("POST", "/only-get", "Host: a", "Content-Length: 0"), want: []string{"403"}},
			{send: get("/docs/plain.txt"), want: []string{"plain"}},
			{send: get("/docs/plain.txt"), want: []string{"plain"}},
			{send: get("/dir"), want: []string{"301"}},
			{send: request("POST", "/", "Host: a", "Content-Length: 2000") + strings.Repeat("x", 2000), want: []string{"413"}},
			{send: get("/" + strings.Repeat("x", 1100)), want: []string{"414"}},
			{send: get("/", "X: "+strings.Repeat("x", 1100)), want: []string{"400"}},
			{send: get("/") + get("/") + get("/") + get("/"), want: []string{"home", "home", "Connection: close", "home"}},
			{send: get("/", "Bad_Name: x"), want: []string{"200"}},
			{send: get("/", "Bad Name: x"), want: []string{"400"}}, // a space is never ignored since nginx 1.21.1
		},
	},
	{
		name: "versions",
		files: with(map[string]string{
			"docs/v1/index.html":       "version 1\n",
			"docs/v2/index.html":       "version 2\n",
			"docs/v2/guide/page.html":  "guide 2\n",
			"files/list.txt":           "list\n",
			"files/list.html":          "<p>list\n",
			"public/try/a.html":        "a\n",
			"public/try/in/index.html": "in\n",
		}),
		visits: []visit{
			{send: get("/"), want: []string{"302", "/docs/latest/"}},
			{send: get("/docs/latest/"), want: []string{"version 2"}},
			{send: get("/docs/latest/guide/page.html"), want: []string{"guide 2"}},
			{send: get("/docs/latest/guide"), want: []string{"301", "/docs/latest/guide/"}},
			{send: get("/docs/v1/index.html"), want: []string{"X-Version: v1", "version 1"}},
			{send: get("/docs/v1/"), want: []string{"version 1"}},
			{send: get("/docs/v3/index.html"), want: []string{"404"}},
			{send: get("/api/v1/x"), want: []string{"410", "gone"}},
			{send: get("/api/v2/things.json"), want: []string{"application/json", `{"name": "things"}`}},
			{send: get("/api/v2/exact.json"), want: []string{"exact"}},
			{send: get("/api/v3"), want: []string{"400", "which version"}},
			{send: get("/files/list.txt"), want: []string{"text/plain", "list"}},
			{send: get("/files/list.html"), want: []string{"text/html"}},
			{send: get("/CASELESS"), want: []string{"any case"}},
			{send: get("/try/in"), want: []string{"in\n"}},
			{send: get("/try/x?page=a"), want: []string{"a\n"}},
			{send: get("/try/x?page=b")},
		},
	},
}

// longName is cut in a listing.
var longName = strings.Repeat("long-name-", 8) + ".txt"

func slicesOf(lists ...[]visit) (all []visit) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// drawn are visits of strangers with n different keys, and then the others.
func drawn(n int, others ...visit) (all []visit) {
	for i := range n {
		all = append(all, visit{send: get("/index.html?id=" + strings.Repeat("k", i)), want: []string{"Set-Cookie: group="}})
	}
	return append(all, others...)
}

// refer are visits from pages elsewhere.
func refer(target, want string, pages ...string) (all []visit) {
	for _, p := range pages {
		send := get(target, "Referer: "+p)
		if p == "" {
			send = get(target)
		}
		all = append(all, visit{send: send, want: []string{want}})
	}
	return all
}
