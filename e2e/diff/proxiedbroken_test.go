package diff_test

import (
	"fmt"
	"strings"
)

// malformed are answers that make no sense, or not all of them. The requests are
// of HTTP/1.0 where the answer breaks off, as it depends on the moment how much of
// a body gets a chunk of its own.
var malformed = append([]proxiedCase{
	// Status lines.
	{"nothing", pass, closed("/"), "|close|", nil},
	{"reset at once", pass, closed("/"), "|reset|", nil},
	{"empty line", pass, closed("/"), "\r\n|close|", nil},
	{"empty line before the status", pass, closed("/"), "\r\n" + fine + "|close|", nil},
	{"blank before the status", pass, closed("/"), " " + fine + "|close|", nil},
	{"garbage", pass, closed("/"), "garbage\r\n|close|", nil},
	{"garbage without an end", pass, closed("/"), "garbage|close|", nil},
	{"begins like HTTP", pass, closed("/"), "HTTP|close|", nil},
	{"HTTP/2", pass, closed("/"), "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/2.0", pass, closed("/"), "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/0.9", pass, closed("/"), "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/11.1", pass, closed("/"), "HTTP/11.1 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/1.10", pass, closed("/"), "HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/1.1000", pass, closed("/"), "HTTP/1.1000 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"HTTP/1.", pass, closed("/"), "HTTP/1. 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"http in small letters", pass, closed("/"), "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"ICY", pass, closed("/"), "ICY 200 OK\r\n\r\nx|close|", nil},
	{"no status", pass, closed("/"), "HTTP/1.1\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status of two digits", pass, closed("/"), "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status of four digits", pass, closed("/"), "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status of letters", pass, closed("/"), "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status 000", pass, closed("/"), "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status 099", pass, closed("/"), "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"status -10", pass, closed("/"), "HTTP/1.1 -10 Low\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"blanks before the status", pass, closed("/"), "HTTP/1.1    200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"tab before the status", pass, closed("/"), "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"dot behind the status", pass, closed("/"), "HTTP/1.1 200.1 OK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"zero byte in the reason", pass, closed("/"), "HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"carriage return in the reason", pass, closed("/"), "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"only a status line", pass, closed("/"), "HTTP/1.1 200 OK\r\n|close|", nil},
	{"101 that nobody asked for", pass, closed("/"), "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n|close|", nil},
	{"100 and nothing else", pass, closed("/"), "HTTP/1.1 100 Continue\r\n\r\n|close|", nil},
	{"102 before the answer", pass, closed("/"), "HTTP/1.1 102 Processing\r\n\r\n" + fine + "|close|", nil},

	// Fields.
	{"no colon", pass, closed("/"), "HTTP/1.1 200 OK\r\nnocolon\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"empty name", pass, closed("/"), "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"blank in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nX A: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"blank before the colon", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A : x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"tab before the colon", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A\t: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"blank before the name", pass, closed("/"), "HTTP/1.1 200 OK\r\n X-A: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"folded line", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-B: x\r\n y\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"folded line with a tab", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-B: x\r\n\ty\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"zero byte in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nX\x00A: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"zero byte in the value", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: x\x00y\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"control byte in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nX\x01A: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"control byte in the value", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: x\x01\x7fy\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"carriage return in the value", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: x\ry\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"carriage return in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nX\rA: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"carriage returns at the end", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: x\r\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"underscore in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nx_a: x\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"signs in the name", pass, closed("/"), "HTTP/1.1 200 OK\r\nX(A): x\r\nX@: y\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"bytes above 127", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-\xff: \xfe\r\nContent-Length: 0\r\n\r\n|close|", nil},
	{"head too big", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 5000) + "\r\n\r\n|close|", nil},
	{"head too big, no line end", pass, closed("/"), "HTTP/1.1 200 OK\r\nX-A: " + big + "|close|", nil},
	{"head too big, many lines", pass, closed("/"), "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-M: y\r\n", 700) + "\r\n|close|", nil},
	{"head just fits", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: " + strings.Repeat("x", 4096-48) + "\r\n\r\n|close|", nil},

	// Lengths.
	{"Content-Length twice, the same", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx|close|",
		refused(58, `upstream sent duplicate header line: "Content-Length: 1", previous value: "Content-Length: 1"`)},
	{"Content-Length twice, others", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy|close|",
		refused(59, `upstream sent duplicate header line: "Content-Length: 2", previous value: "Content-Length: 1"`)},
	{"Content-Length as a list", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx|close|",
		refused(42, `upstream sent invalid "Content-Length" header: "Content-Length: 1, 1"`)},
	{"Content-Length of letters", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx|close|",
		refused(39, `upstream sent invalid "Content-Length" header: "Content-Length: x"`)},
	{"Content-Length with a sign", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx|close|",
		refused(40, `upstream sent invalid "Content-Length" header: "Content-Length: +1"`)},
	{"Content-Length negative", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx|close|",
		refused(40, `upstream sent invalid "Content-Length" header: "Content-Length: -1"`)},
	{"Content-Length in hex", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx|close|",
		refused(41, `upstream sent invalid "Content-Length" header: "Content-Length: 0x1"`)},
	{"Content-Length empty", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nx|close|",
		refused(37, `upstream sent invalid "Content-Length" header: "Content-Length: "`)},
	{"Content-Length too large a number", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx|close|",
		refused(58, `upstream sent invalid "Content-Length" header: "Content-Length: 99999999999999999999"`)},
	{"Content-Length with zeros", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 0001\r\n\r\nx|close|", nil},
	{"Content-Length and chunked", pass, closed("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n|close|",
		refused(71, `upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time`)},
	{"chunked and Content-Length", pass, closed("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n|close|",
		refused(71, `upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time`)},
	{"Transfer-Encoding twice", pass, closed("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n|close|",
		refused(80, `upstream sent duplicate header line: "Transfer-Encoding: chunked", previous value: "Transfer-Encoding: chunked"`)},
	{"Transfer-Encoding unknown", pass, closed("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx|close|",
		refused(45, `upstream sent unknown "Transfer-Encoding": "gzip"`)},
	{"Transfer-Encoding as a list", pass, closed("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n|close|",
		refused(58, `upstream sent unknown "Transfer-Encoding": "gzip, chunked"`)},
	{"Transfer-Encoding identity", pass, closed("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nx|close|",
		refused(49, `upstream sent unknown "Transfer-Encoding": "identity"`)},
	{"chunked in HTTP/1.0", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n|close|", nil},
	{"Content-Type twice", pass, closed("/"), says("200 OK", "x", "Content-Type: a/b", "Content-Type: c/d"),
		twice("Content-Type", "a/b", "c/d", "Content-Type: c/d\r", "Content-Type: a/b\r")},
	{"Location twice", pass, closed("/"), says("302 Go", "", "Location: /a", "Location: /b"),
		twice("Location", "/a", "/b", "Location: /a\r\nLocation: /b\r\n", "Location: /a\r\n")},
	{"Last-Modified twice", pass, closed("/"), says("200 OK", "x", "Last-Modified: a", "Last-Modified: b"),
		twice("Last-Modified", "a", "b", "Last-Modified: a\r\nLast-Modified: b\r\n", "Last-Modified: a\r\n")},
	{"ETag twice", pass, closed("/"), says("200 OK", "x", "ETag: a", "ETag: b"),
		twice("ETag", "a", "b", "ETag: a\r\nETag: b\r\n", "ETag: a\r\n")},
	{"Date and Server twice", pass, closed("/"), says("200 OK", "x", "Date: a", "Date: b", "Server: a", "Server: b"),
		twice("Date", "a", "b", "host: \"localhost\"\n", "host: \"localhost\"\n[warn] upstream sent duplicate header line: \"Server: b\", previous value: \"Server: a\", ignored"+whileHead)},

	// Bodies.
	{"too short", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc|pause||close|", nil},
	{"too short, nothing", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|pause||close|", nil},
	{"too short, reset", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc|pause||pause||reset|", nil},
	{"too short, not buffered", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc|pause||close|", nil},
	{"too long", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef|close|", nil},
	{"too long, not buffered", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef|close|", nil},
	{"too long behind nothing", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nabcdef|close|", nil},
	{"body of 204", pass, closed("/"), "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc|close|", nil},
	{"body of 304", pass, closed("/"), "HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\nabc|close|", nil},
	{"body of HEAD", pass, asks("HEAD", "/", ""), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc|close|", nil},
	{"two answers", pass, request("GET", "/1") + closed("/2"), fine + fine, nil},
	{"chunk of letters", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc|close|", nil},
	{"chunk behind a good one", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|pause|zz\r\n|close|", nil},
	{"chunk negative", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc|close|", nil},
	{"chunk in 0x", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n|close|", nil},
	{"chunk too large a number", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc|close|", nil},
	{"chunk without its end", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc|pause|def\r\n0\r\n\r\n|close|", nil},
	{"chunk with a line feed", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n|close|",
		&unlike{reason: "line feeds do not end the lines of chunks any more", outcome: "client:\n\nbackend:\nGET / HTTP/1.1\r\nHost: BACK\r\n\r\n\nlog:\n" +
			"200 0 <BACK|200|9|56|T T T> \"-\" \"-\" \"-\" \n[error] upstream sent invalid chunked response while reading upstream, client: 127.0.0.1, server: , request: \"GET / HTTP/1.0\", upstream: \"http://BACK/\"\n"}},
	{"chunk with a blank", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n|close|", nil},
	{"chunk empty", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n|close|", nil},
	{"chunk too short", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc|pause||close|", nil},
	{"no last chunk", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|pause||close|", nil},
	{"half a last chunk", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n|pause||close|", nil},
	{"bytes behind the last chunk", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nxyz|close|", nil},
	{"broken trailers", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n:x\r\n\r\n|close|", nil},
	{"no end, no more", passWith("proxy_buffering off; proxy_read_timeout 300ms;"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc|wait|", nil},
	{"answer before the body", passWith("proxy_read_timeout 5s;"), asks("POST", "/", "abc"), "|early|" + says("413 Large", "too large") + "|close|", nil},
}, cut("HTTP/1.1 200 Good\r\nContent-Length: 3\r\nX-B: b\r\n\r\nabc")...)

// cut are answers that end at each byte.
func cut(answer string) (cases []proxiedCase) {
	for n := 1; n < len(answer); n++ {
		cases = append(cases, proxiedCase{fmt.Sprintf("cut after %d bytes", n), pass, "GET / HTTP/1.0\r\n\r\n", answer[:n] + "|pause||close|", nil})
	}
	return cases
}

const whileHead = " while reading response header from upstream, client: 127.0.0.1, server: , request: \"GET / HTTP/1.1\", upstream: \"http://BACK/\", host: \"localhost\"\n"

// refused is an answer that 1.22 lets through, more or less. size is what was read of it.
func refused(size int, complaint string) *unlike {
	return &unlike{reason: "nginx is stricter since 1.23", outcome: "client:\nHTTP/1.1 502 Bad Gateway\r\nServer: us\r\nDate: now\r\n" +
		"Content-Type: text/html\r\nContent-Length: 147\r\nConnection: close\r\n\r\n<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
		"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>us</center>\r\n</body>\r\n</html>\r\n\n" +
		"backend:\nGET / HTTP/1.1\r\nHost: BACK\r\n\r\n\n" +
		fmt.Sprintf("log:\n502 150 <BACK|502|0|%d|T - T> \"-\" \"-\" \"-\" OK\n[error] %s", size, complaint) + whileHead}
}

// twice is an answer with two lines of a name of which only one may be; the second
// is ignored with a warning. pairs are what else differs.
func twice(name, first, second string, pairs ...string) *unlike {
	warning := fmt.Sprintf("[warn] upstream sent duplicate header line: \"%s: %s\", previous value: \"%[1]s: %[3]s\", ignored", name, second, first)
	return since131("nginx is stricter since 1.23", append([]string{"\"-\" OK\n", "\"-\" OK\n" + warning + whileHead}, pairs...)...)
}
