package h1_test

import (
	"testing"

	"github.com/baton-project/baton/internal/wire/h1"
)

// outcome is what a server makes of one request.
type outcome struct {
	status int    // 0: it waits for more
	log    string // why it refused
	uri    string // $uri|$args|$host of an accepted request
}

// judge parses one request as a server does, giving it to the parser in pieces of
// at most step bytes, each time in another buffer. Chunked bodies are read.
func judge(raw string, opt h1.Options, step int) outcome {
	var h h1.Head
	h.Reset()
	for sent := 0; ; {
		buf := []byte(raw[:sent])
		switch h.Parse(buf, &opt) {
		case h1.More:
			if sent == len(raw) {
				return outcome{}
			}
			sent = min(len(raw), sent+step)
		case h1.Line:
			if _, _, err := h.URI(nil, buf, true); err != nil {
				return outcome{status: err.Status, log: err.Text}
			}
		case h1.Failed:
			return outcome{status: h.Err.Status, log: h.Err.Text}
		case h1.Done:
			if h.Chunked && h.Method != h1.GET {
				if o := judgeBody(raw[h.Pos():], step); o.status != 200 {
					return o
				}
			}
			if h.Method != h1.GET && int64(len(raw)-h.Pos()) < h.ContentLength {
				return outcome{}
			}
			return accept(&h, buf)
		}
	}
}

func accept(h *h1.Head, buf []byte) outcome {
	u, decoded, _ := h.URI(nil, buf, true)
	path := buf
	if u.Decoded {
		path = decoded
	}
	host := string(h1.AppendLower(nil, h.Server.View(buf)))
	return outcome{status: 200, uri: u.Path.View(path) + "|" + u.Args.View(buf) + "|" + host}
}

func judgeBody(body string, step int) outcome {
	var c h1.Chunked
	for at := 0; at < len(body); {
		n, _, r := c.Decode([]byte(body[at:min(len(body), at+step)]))
		at += n
		switch r {
		case h1.ChunkFailed:
			return outcome{status: 400, log: "client sent invalid chunked body"}
		case h1.ChunkDone:
			return outcome{status: 200}
		}
	}
	return outcome{}
}

// A requestCase is a request and what nginx 1.31 makes of it (TestNginxAgrees asks
// one).
type requestCase struct {
	raw    string
	status int
	log    string
	uri    string
}

const (
	invalidRequest = "client sent invalid request"
	invalidMethod  = "client sent invalid method"
	invalidHost    = "client sent invalid host header"
	invalidChunks  = "client sent invalid chunked body"
	host           = "Host: a\r\n"
	post           = "POST / HTTP/1.1\r\nHost: a\r\n"
	chunked        = post + "Transfer-Encoding: chunked\r\n\r\n"
)

var requestCases = []requestCase{
	// request line
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "", "/||a"},
	{"\r\n\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\nHost: a\n\n", 200, "", "/||a"},
	{"GET /\r\n", 200, "", "/||"},
	{"GET / \n", 200, "", "/||"},
	{"POST /\r\n", 400, "client sent invalid method in HTTP/0.9 request", ""},
	{"HEAD / \r\n", 400, "client sent invalid method in HTTP/0.9 request", ""},
	{"get / HTTP/1.1\r\n" + host + "\r\n", 400, invalidMethod, ""},
	{" GET / HTTP/1.1\r\n" + host + "\r\n", 400, invalidMethod, ""},
	{"GET\t/ HTTP/1.1\r\n" + host + "\r\n", 400, invalidMethod, ""},
	{"GET\r\n", 400, invalidMethod, ""},
	{"G3T / HTTP/1.1\r\n" + host + "\r\n", 400, invalidMethod, ""},
	{"\x16\x03\x01\x02\x00\x01", 400, invalidMethod, ""},
	{"\x00GET / HTTP/1.1\r\n\r\n", 400, invalidMethod, ""},
	{"A-B_C / HTTP/1.1\r\n" + host + "\r\n", 200, "", "/||a"},
	{"GET   /x   HTTP/1.1  \r\n" + host + "\r\n", 200, "", "/x||a"},
	{"GET /x HTTP/1.1 x\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET x HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET * HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET ?x HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a b HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a\tb HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a\x00b HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a\x7fb HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a?\x01 HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /\xc3\xa9 HTTP/1.1\r\n" + host + "\r\n", 200, "", "/\xc3\xa9||a"},
	{"GET /a\rb HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1.1\rX\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / http/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTX/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/0.9\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1.\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1.1x\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1.999\r\n" + host + "\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1000\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/2.0\r\n" + host + "\r\n", 505, "client sent invalid version", ""},
	{"GET / HTTP/10.0\r\n" + host + "\r\n", 505, "client sent invalid version", ""},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, invalidRequest, ""},
	{"GET / HTTP/1.0\r\n\r\n", 200, "", "/||"},
	{"TRACE / HTTP/1.1\r\n" + host + "\r\n", 405, "client sent TRACE method", ""},
	{"CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n", 405, "client sent CONNECT method", ""},
	{"CONNECT a HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"CONNECT a: HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"CONNECT / HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},

	// absolute form
	{"GET http://B.example./x HTTP/1.1\r\n" + host + "\r\n", 200, "", "/x||b.example"},
	{"GET http://b HTTP/1.1\r\n" + host + "\r\n", 200, "", "/||b"},
	{"GET http://b:8080?q=1 HTTP/1.1\r\n" + host + "\r\n", 200, "", "/|q=1|b"},
	{"GET h2+x-.://b/ HTTP/1.1\r\n" + host + "\r\n", 200, "", "/||b"},
	{"GET http://[::1]:80/ HTTP/1.1\r\n" + host + "\r\n", 200, "", "/||[::1]"},
	{"GET http:/b/ HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET http:///x HTTP/1.1\r\n" + host + "\r\n", 400, "client sent invalid host in request line", ""},
	{"GET http://b_c/ HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET http://u@b/ HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET http://b:99999/ HTTP/1.1\r\n" + host + "\r\n", 400, "client sent invalid host in request line", ""},
	{"GET http://b..c/ HTTP/1.1\r\n" + host + "\r\n", 400, "client sent invalid host in request line", ""},
	{"GET http://b/ HTTP/1.1\r\n\r\n", 400, `client sent HTTP/1.1 request without "Host" header`, ""},
	{"GET http://b/ HTTP/1.1\r\nHost: a..b\r\n\r\n", 400, invalidHost, ""},

	// paths
	{"GET //a///b/./c/../d HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a/b/d||a"},
	{"GET /a/.. HTTP/1.1\r\n" + host + "\r\n", 200, "", "/||a"},
	{"GET /a/. HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a/||a"},
	{"GET /.a/..b/...?x HTTP/1.1\r\n" + host + "\r\n", 200, "", "/.a/..b/...|x|a"},
	{"GET /.. HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a/../../b HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a%2f..%2F%2e%2E/b HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /%61%2F%2e%2e%2fb HTTP/1.1\r\n" + host + "\r\n", 200, "", "/b||a"},
	{"GET /a%00b HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a%zz HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a%4 HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a% HTTP/1.1\r\n" + host + "\r\n", 400, invalidRequest, ""},
	{"GET /a%3fb%23c%25d?e%3f HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a?b#c%d|e%3f|a"},
	{"GET /a#b?c HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a||a"},
	{"GET /a?b#c HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a|b|a"},
	{"GET /a?../..%00 HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a|../..%00|a"},
	{"GET /a+b%2Bc HTTP/1.1\r\n" + host + "\r\n", 200, "", "/a+b+c||a"},

	// header lines
	{"GET / HTTP/1.1\r\nHost: a\r\nX: \r\nY:b\r\nZ\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400, `client sent invalid header line: "\x20..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", 400, `client sent invalid header line: "\x09..."`, ""},
	{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, `client sent invalid header line: "Host\x20..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400, `client sent invalid header line: "\x3a..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n", 400, `client sent invalid header line: "X\x00..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n", 400, `client sent invalid header line: "X: b\x00..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400, `client sent invalid header line: "X: \x00..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b \x00\r\n\r\n", 400, `client sent invalid header line: "X: b \x00..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400, `client sent invalid header line: "X: b\x0d..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b  \rY\r\n\r\n", 400, `client sent invalid header line: "X: b\x20..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, `client sent invalid header line: "\x0d..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX\x7f: b\r\n\r\n", 400, `client sent invalid header line: "X\x7f..."`, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b\x01\x7f\xff\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: a\r\nX@Y: b\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: a\r\n_X: b\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: b", 0, "", ""},
	{"GET / HTTP/1.1", 0, "", ""},

	// Host
	{"GET / HTTP/1.1\r\n\r\n", 400, `client sent HTTP/1.1 request without "Host" header`, ""},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, `client sent duplicate host header: "host: b", previous value: "Host: a"`, ""},
	{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: .\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 200, "", "/||a"},
	{"GET / HTTP/1.1\r\nHost: A_b.C.:65535\r\n\r\n", 200, "", "/||a_b.c"},
	{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: [::A]:1\r\n\r\n", 200, "", "/||[::a]"},
	{"GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n", 200, "", "/||a%20b"},
	{"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", 400, invalidHost, ""},
	{"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 200, "", "/||a,b"},

	// message length
	{post + "Content-Length: 0\r\n\r\n", 200, "", "/||a"},
	{post + "Content-Length: 00\r\n\r\n", 200, "", "/||a"},
	{post + "Content-Length:\r\n\r\n", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: -1\r\n\r\n", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: +1\r\n\r\nx", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 0x1\r\n\r\nx", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 1_0\r\n\r\nx", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 1 1\r\n\r\nx", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 1,1\r\n\r\nx", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 9223372036854775808\r\n\r\n", 400, `client sent invalid "Content-Length" header`, ""},
	{post + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400, `client sent duplicate header line: "Content-Length: 0", previous value: "Content-Length: 0"`, ""},
	{post + "content-length: 0\r\nContent-Length: 5\r\n\r\n", 400, `client sent duplicate header line: "Content-Length: 5", previous value: "content-length: 0"`, ""},
	{post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, `client sent "Content-Length" and "Transfer-Encoding" headers at the same time`, ""},
	{post + "Transfer-Encoding: identity\r\n\r\n", 501, `client sent unknown "Transfer-Encoding": "identity"`, ""},
	{post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, `client sent unknown "Transfer-Encoding": "gzip, chunked"`, ""},
	{post + "Transfer-Encoding: \x0bchunked\r\n\r\n", 501, "client sent unknown \"Transfer-Encoding\": \"\x0bchunked\"", ""},
	{post + "Transfer-Encoding: chunked\t\r\n\r\n", 501, "client sent unknown \"Transfer-Encoding\": \"chunked\t\"", ""},
	{post + "Transfer-Encoding:\r\n\r\n", 501, `client sent unknown "Transfer-Encoding": ""`, ""},
	{post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, `client sent duplicate header line: "Transfer-Encoding: chunked", previous value: "Transfer-Encoding: chunked"`, ""},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, `client sent HTTP/1.0 request with "Transfer-Encoding" header`, ""},
	{post + "Transfer_Encoding: chunked\r\n\r\n", 200, "", "/||a"},
	{post + "Expect: a\r\nExpect: b\r\n\r\n", 400, `client sent duplicate header line: "Expect: b", previous value: "Expect: a"`, ""},
	{post + "If-Match: a\r\nIf-Match: b\r\n\r\n", 400, `client sent duplicate header line: "If-Match: b", previous value: "If-Match: a"`, ""},
	{post + "Authorization: a\r\nAuthorization: b\r\n\r\n", 400, `client sent duplicate header line: "Authorization: b", previous value: "Authorization: a"`, ""},
	{post + "Range: a\r\nRange: b\r\n\r\n", 200, "", "/||a"},

	// chunks
	{chunked + "3\r\nabc\r\n0\r\n\r\n", 200, "", "/||a"},
	{chunked + "00003;x=\"y\" \r\nabc\r\n0 \r\nTrailer: x\r\n\r\n", 200, "", "/||a"},
	{post + "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200, "", "/||a"},
	{chunked + "3\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "3\r\nabc\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "3\r\nabcd\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "3;a\nb\r\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "0x3\r\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "-3\r\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + " 3\r\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "\r\n3\r\nabc\r\n0\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "g\r\n", 400, invalidChunks, ""},
	{chunked + "3\r\rabc", 400, invalidChunks, ""},
	{chunked + "8000000000000000\r\n", 400, invalidChunks, ""},
	{chunked + "7ffffffffffffffff\r\n", 400, invalidChunks, ""},
	{chunked + "0\n\n", 400, invalidChunks, ""},
	{chunked + "0\r\n\n", 400, invalidChunks, ""},
	{chunked + "0\r\nX: a\nY: b\r\n\r\n", 400, invalidChunks, ""},
	{chunked + "3\r\nab", 0, "", ""},
}

func TestRequests(t *testing.T) {
	for _, c := range requestCases {
		want := outcome{c.status, c.log, c.uri}
		for _, step := range []int{len(c.raw), 1, 3} {
			if got := judge(c.raw, h1.Options{}, step); got != want {
				t.Errorf("%q in steps of %d:\n got %+v\nwant %+v", c.raw, step, got, want)
			}
		}
	}
}
