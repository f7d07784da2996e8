package h1_test

import (
	"testing"

	"github.com/baton-project/baton/internal/wire/h1"
)

const wrkRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

const fiveHeaders = "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\n" +
	"Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"

func benchmarkHead(b *testing.B, raw string) {
	buf := []byte(raw)
	var h h1.Head
	var opt h1.Options
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if parse(&h, buf, &opt) != h1.Done {
			b.Fatal(h.Err)
		}
	}
}

func BenchmarkHeadShort(b *testing.B)       { benchmarkHead(b, wrkRequest) }
func BenchmarkHeadFiveHeaders(b *testing.B) { benchmarkHead(b, fiveHeaders) }
func BenchmarkHeadBrowser(b *testing.B)     { benchmarkHead(b, browser) }

func BenchmarkResponse(b *testing.B) {
	r := h1.Response{
		Status: 200, Server: "nginx/1.31.5", Date: "Mon, 28 Sep 1970 06:00:00 GMT", ContentType: "text/plain",
		ContentLength: 1024, LastModified: 1700000000, Connection: h1.ConnectionKeepAlive,
		Fields: []h1.Field{{Name: "ETag", Value: `"6553f100-400"`}, {Name: "Accept-Ranges", Value: "bytes"}},
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0])
	}
}

func BenchmarkURIDecode(b *testing.B) {
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf, _, _ = h1.AppendURI(buf[:0], "/images//caf%C3%A9/../menu%20card.html?x=1", true)
	}
}

func BenchmarkParseDate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h1.ParseDate("Sun, 06 Nov 1994 08:49:37 GMT")
	}
}

func BenchmarkAppendDate(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = h1.AppendDate(buf[:0], 784111777)
	}
}
