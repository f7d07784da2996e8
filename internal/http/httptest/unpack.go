package httptest

import (
	"compress/gzip"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// Unpacked is a raw response with its chunks joined and its gzip decoded. Trailers
// stay behind the body.
func Unpacked(t testing.TB, response string) string {
	t.Helper()
	head, body, _ := strings.Cut(response, "\r\n\r\n")
	trailers := ""
	if Header(response, "Transfer-Encoding") == "chunked" {
		rest := strings.NewReader(body)
		whole, err := io.ReadAll(httputil.NewChunkedReader(rest))
		if err != nil {
			t.Errorf("chunks: %v", err)
		}
		body, trailers = string(whole), body[len(body)-rest.Len():]
	}
	if body != "" && Header(response, "Content-Encoding") == "gzip" {
		body = gunzip(t, body)
	}
	return head + "\r\n\r\n" + body + trailers
}

func gunzip(t testing.TB, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Errorf("gzip: %v", err)
		return body
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("gzip: %v", err)
	}
	return string(plain)
}
