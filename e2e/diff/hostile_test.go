package diff_test

import (
	"strings"
	"testing"
)

// TestSameAnswersToHostileRequests sends what is malformed, ambiguous or an
// attempt to hide a second request from whoever looked at the first one. Where
// two programs disagree about the end of a request, the second answer shows it.
func TestSameAnswersToHostileRequests(t *testing.T) {
	const atLeast = 60
	if len(hostile) < atLeast {
		t.Errorf("%d cases, want at least %d", len(hostile), atLeast)
	}
	t.Logf("%d hostile requests", len(hostile))
	compare(t, hostile)
}

// echo says how a request was understood.
const echo = `return 200 "$request_method $uri $args $host x=$http_x cl=$http_content_length te=$http_transfer_encoding\n";`

// named has two servers, of which one is not for everybody.
const named = `
	server { listen {{here}}; server_name open.test; return 200 "open $host $http_host\n"; }
	server { listen {{here}}; server_name closed.test; return 200 "closed $host $http_host\n"; }`

// second is the request behind a hostile one.
const second = "GET /second HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

// post has a body framed by these fields; another request follows.
func post(body string, fields ...string) string {
	return request("POST", "/first", fields...) + body + second
}

// chunked is a POST whose body is given as it is on the wire.
func chunked(body string) string { return post(body, "Transfer-Encoding: chunked") }

// line is a request line, without its end, in an ordinary request; another follows.
func line(text string) string { return text + "\r\nHost: localhost\r\n\r\n" + second }

// field is a whole field, without its end, between ordinary ones.
func field(text string) string {
	return "GET /first HTTP/1.1\r\nHost: localhost\r\n" + text + "\r\nX: 1\r\n\r\n" + second
}

// host is a request with this value of Host.
func host(value string) string { return "GET /first HTTP/1.1\r\nHost: " + value + "\r\n\r\n" + second }

// What nginx 1.31 does and 1.22 did not.
var (
	authority    = &since{"CONNECT takes an authority, and is then not allowed", notAllowed}
	noAuthority  = &since{"CONNECT takes nothing but an authority", badRequest}
	strictHost   = &since{"a host has only the characters of RFC 3986, and a port is a number", badRequest}
	strictChunks = &since{"lines of a chunked body end in CRLF", badRequest}
)

const badRequest = "HTTP/1.1 400 Bad Request\r\nServer: us\r\nDate: now\r\nContent-Type: text/html\r\nContent-Length: 147\r\nConnection: close\r\n\r\n" +
	"<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<hr><center>us</center>\r\n</body>\r\n</html>\r\n"

const hello, helloChunk = "hello", "5\r\nhello\r\n0\r\n\r\n"

var hostile = []requestCase{
	// Two framings in one request.
	{"length, then chunked", echo, post("0\r\n\r\nG", "Content-Length: 6", "Transfer-Encoding: chunked"), nil},
	{"chunked, then length", echo, post("5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 4"), nil},
	{"length 0 and chunked", echo, post(helloChunk, "Content-Length: 0", "Transfer-Encoding: chunked"), nil},
	{"length and identity", echo, post(hello, "Content-Length: 5", "Transfer-Encoding: identity"), nil},
	{"length and unknown coding", echo, post(hello, "Content-Length: 5", "Transfer-Encoding: xchunked"), nil},
	{"length and chunked in HTTP/1.0", echo, "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + hello + second, nil},
	{"length and chunked in a GET", echo, get("/first", "Content-Length: 5", "Transfer-Encoding: chunked") + helloChunk + second, nil},

	// Content-Length.
	{"two equal lengths", echo, post(hello, "Content-Length: 5", "Content-Length: 5"), nil},
	{"two lengths", echo, post(hello, "Content-Length: 5", "Content-Length: 0"), nil},
	{"two lengths in other cases", echo, post(hello, "Content-Length: 5", "content-length: 0"), nil},
	{"length with a plus", echo, post(hello, "Content-Length: +5"), nil},
	{"length with a minus", echo, post(hello, "Content-Length: -5"), nil},
	{"length -0", echo, post("", "Content-Length: -0"), nil},
	{"length after many blanks", echo, post(hello, "Content-Length:     5"), nil},
	{"length without blank", echo, post(hello, "Content-Length:5"), nil},
	{"length before blanks", echo, post(hello, "Content-Length: 5   "), nil},
	{"length after a tab", echo, post(hello, "Content-Length:\t5"), nil},
	{"length before a tab", echo, post(hello, "Content-Length: 5\t"), nil},
	{"length, comma, same length", echo, post(hello, "Content-Length: 5, 5"), nil},
	{"length, comma, other length", echo, post(hello, "Content-Length: 5, 0"), nil},
	{"length, comma", echo, post(hello, "Content-Length: 5,"), nil},
	{"length, blank, length", echo, post(hello, "Content-Length: 5 5"), nil},
	{"length in hexadecimal", echo, post(hello, "Content-Length: 0x5"), nil},
	{"length with an exponent", echo, post(hello, "Content-Length: 5e0"), nil},
	{"length with a fraction", echo, post(hello, "Content-Length: 5.0"), nil},
	{"length with a letter", echo, post(hello, "Content-Length: 5a"), nil},
	{"length in quotes", echo, post(hello, `Content-Length: "5"`), nil},
	{"length with leading zeros", echo, post(hello, "Content-Length: 0000000005"), nil},
	{"length without a value", echo, post(hello, "Content-Length:"), nil},
	{"length of blanks", echo, post(hello, "Content-Length:   "), nil},
	{"length above 64 bits", echo, post(hello, "Content-Length: 18446744073709551621"), nil},
	{"length above 63 bits", echo, post(hello, "Content-Length: 9223372036854775808"), nil},
	{"length above the limit", echo, post(hello, "Content-Length: 1048577"), nil},
	{"length in a GET", echo, get("/first", "Content-Length: 5") + hello + second, nil},
	{"length in a HEAD", echo, head("/first", "Content-Length: 5") + hello + second, nil},
	{"length above the body", echo, post("", "Content-Length: 500"), nil},
	{"length that hides a request", echo, post("GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n", "Content-Length: 42"), nil},
	{"length before a zero byte", echo, post(hello, "Content-Length: 5\x00"), nil},
	{"length with a blank before the colon", echo, post("", "Content-Length : 5"), nil},
	{"length with an underscore", echo, post("", "Content_Length: 5"), nil},
	{"folded length", echo, post("", "Content-Length:", " 5"), nil},
	{"length behind a fold", echo, post("", "X: y", " Content-Length: 5"), nil},

	// Transfer-Encoding.
	{"chunked", echo, chunked(helloChunk), nil},
	{"Chunked", echo, post(helloChunk, "Transfer-Encoding: Chunked"), nil},
	{"CHUNKED", echo, post(helloChunk, "TRANSFER-ENCODING: CHUNKED"), nil},
	{"chunked without blank", echo, post(helloChunk, "Transfer-Encoding:chunked"), nil},
	{"chunked after blanks", echo, post(helloChunk, "Transfer-Encoding:   chunked"), nil},
	{"chunked before a blank", echo, post(helloChunk, "Transfer-Encoding: chunked "), nil},
	{"chunked after a tab", echo, post(helloChunk, "Transfer-Encoding:\tchunked"), nil},
	{"chunked before a tab", echo, post(helloChunk, "Transfer-Encoding: chunked\t"), nil},
	{"chunked after a vertical tab", echo, post(helloChunk, "Transfer-Encoding: \x0bchunked"), nil},
	{"chunked before a form feed", echo, post(helloChunk, "Transfer-Encoding: chunked\x0c"), nil},
	{"chunked before a zero byte", echo, post(helloChunk, "Transfer-Encoding: chunked\x00"), nil},
	{"chunked with a prefix", echo, post(helloChunk, "Transfer-Encoding: xchunked"), nil},
	{"chunked with a suffix", echo, post(helloChunk, "Transfer-Encoding: chunkedx"), nil},
	{"chunk", echo, post(helloChunk, "Transfer-Encoding: chunk"), nil},
	{"chunked in quotes", echo, post(helloChunk, `Transfer-Encoding: "chunked"`), nil},
	{"chunked with a parameter", echo, post(helloChunk, "Transfer-Encoding: chunked;q=1"), nil},
	{"chunked, comma", echo, post(helloChunk, "Transfer-Encoding: chunked,"), nil},
	{"comma, chunked", echo, post(helloChunk, "Transfer-Encoding: ,chunked"), nil},
	{"identity", echo, post(hello, "Transfer-Encoding: identity"), nil},
	{"gzip", echo, post(hello, "Transfer-Encoding: gzip"), nil},
	{"gzip, chunked", echo, post(helloChunk, "Transfer-Encoding: gzip, chunked"), nil},
	{"chunked, gzip", echo, post(helloChunk, "Transfer-Encoding: chunked, gzip"), nil},
	{"identity, chunked", echo, post(helloChunk, "Transfer-Encoding: identity, chunked"), nil},
	{"chunked, identity", echo, post(helloChunk, "Transfer-Encoding: chunked, identity"), nil},
	{"chunked, chunked", echo, post(helloChunk, "Transfer-Encoding: chunked, chunked"), nil},
	{"chunked twice", echo, post(helloChunk, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), nil},
	{"chunked and identity", echo, post(helloChunk, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), nil},
	{"identity and chunked", echo, post(helloChunk, "Transfer-Encoding: identity", "Transfer-Encoding: chunked"), nil},
	{"empty coding", echo, post(hello, "Transfer-Encoding:"), nil},
	{"coding with a blank before the colon", echo, post("", "Transfer-Encoding : chunked"), nil},
	{"coding with a tab before the colon", echo, post("", "Transfer-Encoding\t: chunked"), nil},
	{"coding with an underscore", echo, post("", "Transfer_Encoding: chunked"), nil},
	{"coding with a zero byte", echo, post("", "Transfer-Encoding\x00: chunked"), nil},
	{"coding behind a blank", echo, post("", " Transfer-Encoding: chunked"), nil},
	{"coding behind a tab", echo, post("", "\tTransfer-Encoding: chunked"), nil},
	{"folded coding", echo, post("", "Transfer-Encoding:", " chunked"), nil},
	{"coding folded by a tab", echo, post("", "Transfer-Encoding:", "\tchunked"), nil},
	{"coding behind a bare LF", echo, post(helloChunk, "X: y\nTransfer-Encoding: chunked"), nil},
	{"coding behind a bare CR", echo, post("", "X: y\rTransfer-Encoding: chunked"), nil},
	{"coding behind two CR", echo, post("", "X: y\r\r\nTransfer-Encoding: chunked"), nil},
	{"coding as the first field", echo, "POST /first HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n" + second, nil},
	{"chunked in a HEAD", echo, head("/first", "Transfer-Encoding: chunked") + helloChunk + second, nil},
	{"TE is no framing", echo, post(hello, "TE: chunked", "Content-Length: 5"), nil},

	// Chunks.
	{"chunk in two", echo, chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), nil},
	{"chunk size in capitals", echo, chunked("A\r\n0123456789\r\n0\r\n\r\n"), nil},
	{"chunk size with zeros", echo, chunked("0000000005\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size with 0x", echo, chunked("0x5\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size with a plus", echo, chunked("+5\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size with a minus", echo, chunked("-5\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size after a blank", echo, chunked(" 5\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size before a blank", echo, chunked("5 \r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size before a tab", echo, chunked("5\t\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size in two", echo, chunked("5 5\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size empty", echo, chunked("\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size no number", echo, chunked("g\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size above 64 bits", echo, chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size of 64 bits", echo, chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size of 63 bits", echo, chunked("7fffffffffffffff\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size above 63 bits", echo, chunked("8000000000000000\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk above the limit", echo, chunked("100001\r\nhello"), nil},
	{"chunk extension", echo, chunked("5;name=value\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk extension in quotes", echo, chunked("5;name=\"v;\"\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk extension with a bare CR", echo, chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk extension with a bare LF", echo, chunked("5;a\nhello\r\n0\r\n\r\n"), strictChunks},
	{"chunk extension with a zero byte", echo, chunked("5;a\x00b\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk extension, long", echo, chunked("5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk size ends in LF", echo, chunked("5\nhello\r\n0\r\n\r\n"), strictChunks},
	{"chunk size ends in CR", echo, chunked("5\rhello\r\n0\r\n\r\n"), nil},
	{"chunk ends in LF", echo, chunked("5\r\nhello\n0\r\n\r\n"), strictChunks},
	{"chunk ends in CR", echo, chunked("5\r\nhello\r0\r\n\r\n"), nil},
	{"chunk without end", echo, chunked("5\r\nhello0\r\n\r\n"), nil},
	{"chunk longer than its size", echo, chunked("4\r\nhello\r\n0\r\n\r\n"), nil},
	{"chunk shorter than its size", echo, chunked("6\r\nhello\r\n0\r\n\r\n"), strictChunks},
	{"chunk that ends in other bytes", echo, chunked("5\r\nhelloXX0\r\n\r\n"), nil},
	{"last chunk of many zeros", echo, chunked("5\r\nhello\r\n00000\r\n\r\n"), nil},
	{"last chunk with an extension", echo, chunked("5\r\nhello\r\n0;a=b\r\n\r\n"), nil},
	{"last chunk ends in LF", echo, chunked("5\r\nhello\r\n0\n\n"), strictChunks},
	{"last chunk without an empty line", echo, chunked("5\r\nhello\r\n0\r\n"), nil},
	{"no last chunk", echo, chunked("5\r\nhello\r\n"), nil},
	{"only the last chunk", echo, chunked("0\r\n\r\n"), nil},
	{"trailer", echo, chunked("0\r\nX: trailer\r\n\r\n"), nil},
	{"trailer that frames", echo, chunked("0\r\nContent-Length: 5\r\n\r\n"), nil},
	{"trailer without a colon", echo, chunked("0\r\nnothing\r\n\r\n"), nil},
	{"trailer that looks like a request", echo, chunked("0\r\nGET /hidden HTTP/1.1\r\nX: \r\n\r\n"), nil},

	// Ends of lines.
	{"all lines end in LF", echo, "POST /first HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello" + second, nil},
	{"request line ends in LF", echo, "GET /first HTTP/1.1\nHost: a\r\n\r\n" + second, nil},
	{"request line ends in CR", echo, "GET /first HTTP/1.1\rHost: a\r\n\r\n" + second, nil},
	{"request line ends in two CR", echo, "GET /first HTTP/1.1\r\r\nHost: a\r\n\r\n" + second, nil},
	{"fields end in CR", echo, "GET /first HTTP/1.1\r\nHost: a\rX: 1\r\r" + second, nil},
	{"head ends in LF", echo, "GET /first HTTP/1.1\r\nHost: a\r\n\n" + second, nil},
	{"head ends in CR", echo, "GET /first HTTP/1.1\r\nHost: a\r\n\r" + second, nil},
	{"LF CR", echo, "GET /first HTTP/1.1\n\rHost: a\n\r\n\r" + second, nil},
	{"empty lines between requests", echo, get("/first") + "\r\n\r\n\n\n" + second, nil},
	{"many empty lines first", echo, strings.Repeat("\r\n", 500) + second, nil},
	{"CR first", echo, "\r" + second, nil},

	// Request lines.
	{"request line with tabs", echo, line("GET\t/first\tHTTP/1.1"), nil},
	{"request line with a tab behind the target", echo, line("GET /first\tHTTP/1.1"), nil},
	{"request line with vertical tabs", echo, line("GET\x0b/first\x0bHTTP/1.1"), nil},
	{"request line after a blank", echo, line(" GET /first HTTP/1.1"), nil},
	{"request line after a tab", echo, line("\tGET /first HTTP/1.1"), nil},
	{"request line with many blanks", echo, line("GET   /first   HTTP/1.1   "), nil},
	{"request line with two versions", echo, line("GET /first HTTP/1.1 HTTP/1.1"), nil},
	{"request line with two targets", echo, line("GET /first /other HTTP/1.1"), nil},
	{"request line with a zero byte", echo, line("GET /fir\x00st HTTP/1.1"), nil},
	{"request line with a zero byte in the method", echo, line("G\x00ET /first HTTP/1.1"), nil},
	{"request line with a zero byte behind the version", echo, line("GET /first HTTP/1.1\x00"), nil},
	{"request line with DEL", echo, line("GET /fir\x7fst HTTP/1.1"), nil},
	{"request line with a bare CR", echo, line("GET /fir\rst HTTP/1.1"), nil},
	{"request line without a target", echo, line("GET HTTP/1.1"), nil},
	{"request line without a method", echo, line("/first HTTP/1.1"), nil},
	{"method with a colon", echo, line("GET: /first HTTP/1.1"), nil},
	{"method with a dash", echo, line("M-SEARCH /first HTTP/1.1"), nil},
	{"method with an underscore", echo, line("GET_ /first HTTP/1.1"), nil},
	{"method with a digit", echo, line("GET2 /first HTTP/1.1"), nil},
	{"method in small letters", echo, line("get /first HTTP/1.1"), nil},
	{"method of 300 letters", echo, line(strings.Repeat("G", 300) + " /first HTTP/1.1"), nil},
	{"version in small letters", echo, line("GET /first http/1.1"), nil},
	{"version HTTPS", echo, line("GET /first HTTPS/1.1"), nil},
	{"version 1.2", echo, line("GET /first HTTP/1.2"), nil},
	{"version 1.10", echo, line("GET /first HTTP/1.10"), nil},
	{"version 1.99", echo, line("GET /first HTTP/1.99"), nil},
	{"version 1.100", echo, line("GET /first HTTP/1.100"), nil},
	{"version 01.1", echo, line("GET /first HTTP/01.1"), nil},
	{"version 0.9", echo, line("GET /first HTTP/0.9"), nil},
	{"version 2.0", echo, line("GET /first HTTP/2.0"), nil},
	{"version 3.0", echo, line("GET /first HTTP/3.0"), nil},
	{"version 1.", echo, line("GET /first HTTP/1."), nil},
	{"version 1", echo, line("GET /first HTTP/1"), nil},
	{"version .1", echo, line("GET /first HTTP/.1"), nil},
	{"version 1.1 and a letter", echo, line("GET /first HTTP/1.1x"), nil},
	{"version without a number", echo, line("GET /first HTTP/"), nil},
	{"no version, but fields", echo, line("GET /first"), nil},
	{"no version and another method", echo, line("POST /first"), nil},
	{"preface of HTTP/2", echo, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", nil},
	{"preface of HTTP/2 in HTTP/1.1", echo, "PRI * HTTP/1.1\r\nHost: a\r\n\r\n" + second, nil},
	{"target of 8000 bytes", echo, line("GET /" + strings.Repeat("x", 8000) + " HTTP/1.1"), nil},
	{"target of 9000 bytes", echo, line("GET /" + strings.Repeat("x", 9000) + " HTTP/1.1"), nil},
	{"target of 40000 bytes", echo, line("GET /" + strings.Repeat("x", 40000) + " HTTP/1.1"), nil},
	{"target with dots", echo, line("GET /a/%2e%2e/%2E%2E/b HTTP/1.1"), nil},
	{"target with an encoded slash", echo, line("GET /a%2f..%2fb HTTP/1.1"), nil},
	{"target with an encoded zero byte", echo, line("GET /a%00b HTTP/1.1"), nil},
	{"target with an encoded line end", echo, line("GET /a%0d%0aX:%20y HTTP/1.1"), nil},
	{"target with a backslash", echo, line(`GET /a\..\b HTTP/1.1`), nil},
	{"target with high bytes", echo, line("GET /\xff\xfe?\xfd HTTP/1.1"), nil},
	{"target with question marks", echo, line("GET /a?b?c#d HTTP/1.1"), nil},
	{"target that is a question mark", echo, line("GET ?a HTTP/1.1"), nil},
	{"target of two slashes", echo, line("GET //open.test/a HTTP/1.1"), nil},

	// Targets that name a host, and Host.
	{"absolute target, other Host", named, "GET http://closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target, no Host", named, "GET http://closed.test/ HTTP/1.1\r\n\r\n", nil},
	{"absolute target, malformed Host", named, "GET http://closed.test/ HTTP/1.1\r\nHost: a/b\r\n\r\n", nil},
	{"absolute target, two Hosts", named, "GET http://closed.test/ HTTP/1.1\r\nHost: open.test\r\nHost: closed.test\r\n\r\n", nil},
	{"absolute target with a port", named, "GET http://closed.test:81/ HTTP/1.1\r\nHost: open.test:82\r\n\r\n", nil},
	{"absolute target with an empty port", named, "GET http://closed.test:/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with a malformed port", named, "GET http://closed.test:8x/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with a user", named, "GET http://user@closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with a password", named, "GET http://user:word@closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target without a host", named, "GET http:///a HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with one slash", named, "GET http:/closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target of another scheme", named, "GET ftp://closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target of scheme https", named, "GET https://closed.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target in capitals", named, "GET HTTP://CLOSED.TEST/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target of IPv6", named, "GET http://[::1]:80/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target of broken IPv6", named, "GET http://[::1/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with arguments only", named, "GET http://closed.test?a HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"absolute target with an escaped host", named, "GET http://closed%2etest/ HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"authority as the target of GET", named, "GET closed.test:80 HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"CONNECT", named, "CONNECT closed.test:80 HTTP/1.1\r\nHost: open.test\r\n\r\n" + second, authority},
	{"CONNECT without a port", named, "CONNECT closed.test HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"CONNECT with a malformed port", named, "CONNECT closed.test:0x HTTP/1.1\r\nHost: open.test\r\n\r\n", nil},
	{"CONNECT with a path", named, "CONNECT /a HTTP/1.1\r\nHost: open.test\r\n\r\n", noAuthority},
	{"CONNECT with an absolute target", named, "CONNECT http://closed.test:80/ HTTP/1.1\r\nHost: open.test\r\n\r\n", noAuthority},
	{"CONNECT in HTTP/1.0", named, "CONNECT closed.test:80 HTTP/1.0\r\n\r\n", authority},
	{"CONNECT with another Host", named, "CONNECT closed.test:80 HTTP/1.1\r\nHost: open.test:81\r\n\r\n", authority},
	{"CONNECT to IPv6", named, "CONNECT [::1]:80 HTTP/1.1\r\nHost: open.test\r\n\r\n", authority},
	{"TRACE with a body", echo, request("TRACE", "/first", "Content-Length: 5") + hello + second, nil},
	{"TRACE", echo, request("TRACE", "/first") + second, nil},
	{"OPTIONS of everything", echo, request("OPTIONS", "*") + second, nil},
	{"GET of everything", echo, request("GET", "*") + second, nil},
	{"two equal Hosts", named, "GET / HTTP/1.1\r\nHost: open.test\r\nHost: open.test\r\n\r\n", nil},
	{"Host, and Host folded", named, "GET / HTTP/1.1\r\nHost: open.test\r\n Host: closed.test\r\n\r\n", nil},
	{"Host with a blank before the colon", named, "GET / HTTP/1.1\r\nHost : closed.test\r\n\r\n", nil},
	{"no Host", named, "GET / HTTP/1.1\r\nX: y\r\n\r\n", nil},
	{"Host without a value", echo, host(""), nil},
	{"Host of blanks", echo, host("   "), nil},
	{"Host with a blank", echo, host("a b"), nil},
	{"Host with a tab", echo, host("a\tb"), nil},
	{"Host with a comma", echo, host("a, b"), nil},
	{"Host with a user", echo, host("user@a"), strictHost},
	{"Host with a slash", echo, host("a/b"), nil},
	{"Host with a backslash", echo, host(`a\b`), strictHost},
	{"Host with a question mark", echo, host("a?b"), strictHost},
	{"Host with an underscore", echo, host("a_b"), nil},
	{"Host with an escape", echo, host("%61"), nil},
	{"Host with a zero byte", echo, host("a\x00b"), nil},
	{"Host with a high byte", echo, host("\xfc.test"), strictHost},
	{"Host with DEL", echo, host("a\x7fb"), nil},
	{"Host with two dots", echo, host("a..b"), nil},
	{"Host that begins with a dot", echo, host(".a"), nil},
	{"Host that ends in a dot", echo, host("a."), nil},
	{"Host that is a dot", echo, host("."), nil},
	{"Host with a scheme", echo, host("http://a"), nil},
	{"Host with a port", echo, host("a:80"), nil},
	{"Host with an empty port", echo, host("a:"), nil},
	{"Host with a port above 65535", echo, host("a:65536"), strictHost},
	{"Host with a malformed port", echo, host("a:b"), strictHost},
	{"Host with two ports", echo, host("a:1:2"), strictHost},
	{"Host that is a port", echo, host(":80"), nil},
	{"Host of IPv6", echo, host("[::1]"), nil},
	{"Host of IPv6 with a port", echo, host("[::1]:80"), nil},
	{"Host of broken IPv6", echo, host("[::1"), strictHost},
	{"Host of IPv6 without brackets", echo, host("::1"), nil},
	{"Host of empty brackets", echo, host("[]"), nil},
	{"Host of 5000 bytes", echo, host(strings.Repeat("a", 5000)), nil},

	// Fields.
	{"field without a name", echo, field(": y"), nil},
	{"field that is a colon", echo, field(":"), nil},
	{"field without a colon", echo, field("nothing"), nil},
	{"field without a value", echo, field("Y:"), nil},
	{"field name with a blank", echo, field("Y Z: y"), nil},
	{"field name with a tab", echo, field("Y\tZ: y"), nil},
	{"field name with a slash", echo, field("Y/Z: y"), nil},
	{"field name with a parenthesis", echo, field("Y(Z): y"), nil},
	{"field name with a quote", echo, field(`"Y": y`), nil},
	{"field name with a high byte", echo, field("Y\xfc: y"), nil},
	{"field name with DEL", echo, field("Y\x7f: y"), nil},
	{"field name with a zero byte", echo, field("Y\x00: y"), nil},
	{"field name with a CR", echo, field("Y\rZ: y"), nil},
	{"field value with a zero byte", echo, field("Y: \x00"), nil},
	{"field value with control bytes", echo, field("Y: \x01\x02\x1b"), nil},
	{"field value with high bytes", echo, field("Y: \xff\xfe"), nil},
	{"field value with a CR", echo, field("Y: a\rb"), nil},
	{"fold of the first field", echo, "GET /first HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n" + second, nil},
	{"fold with an empty line", echo, "GET /first HTTP/1.1\r\nHost: a\r\n \r\nX: 1\r\n\r\n" + second, nil},
	{"101 fields", echo, get("/first", repeat("Y: y", 100)...) + second, nil},
	{"1001 fields", echo, get("/first", repeat("Y: y", 1000)...) + second,
		nil},
	{"field of 8000 bytes", echo, field("Y: " + strings.Repeat("y", 8000)), nil},
	{"field of 9000 bytes", echo, field("Y: " + strings.Repeat("y", 9000)), nil},
	{"field name of 9000 bytes", echo, field(strings.Repeat("y", 9000) + ": y"), nil},
	{"fields of 40000 bytes", echo, get("/first", repeat("Y: "+strings.Repeat("y", 4000), 10)...) + second, nil},
	{"Connection names the length", echo, post(hello, "Connection: Content-Length", "Content-Length: 5"), nil},
	{"Connection: close and keep-alive", echo, get("/first", "Connection: close, keep-alive") + second, nil},
	{"two Connections", echo, get("/first", "Connection: keep-alive", "Connection: close") + second, nil},
	{"Upgrade: h2c", echo, get("/first", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__") + second, nil},
	{"Expect of something else", echo, post(hello, "Expect: 200-ok", "Content-Length: 5"), nil},
	{"Expect twice", echo, post(hello, "Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5"), nil},
	{"Expect in HTTP/1.0", echo, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", nil},
	{"two Authorizations", echo, get("/first", "Authorization: a", "Authorization: b") + second, nil},
	{"two Ranges", echo, get("/first", "Range: bytes=0-1", "Range: bytes=2-3") + second, nil},
	{"request behind an error", echo, get("/%zz") + second, nil},
}

func repeat(field string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(field+"\n", n), "\n"), "\n")
}
