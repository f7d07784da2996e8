package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
)

// A benchCase is one thing to measure.
type benchCase struct {
	name  string
	about string
	load  load // of cases run by runLoad
	run   func(context.Context, *bench, *benchCase) (heading, row string, err error)
}

// cases are all there are, in the order of the report.
func cases() []benchCase {
	const hello = `location / { return 200 "hello, world\n"; }`
	return append([]benchCase{
		{"return", "64 keep-alive connections, `return` of 13 bytes", load{conf: hello, connections: 64}, runLoad},
		{"one", "the same over 1 connection", load{conf: hello, connections: 1}, runLoad},
		{"connection", "the same, one connection per request", load{conf: hello, connections: 64, close: true}, runLoad},
		{"pipeline", "the same, 16 requests at a time", load{conf: hello, connections: 64, pipeline: 16}, runLoad},
		{"log", "the same, access log on", load{conf: hello + " access_log {{dir}}/access.log;", connections: 64}, runLoad},
		{"file-1k", "file of 1 kB", load{path: "/1k.txt", connections: 64}, runLoad},
		{"file-100k", "file of 100 kB", load{path: "/100k.txt", connections: 64}, runLoad},
		{"file-10m", "file of 10 MB", load{path: "/10m.txt", connections: 4}, runLoad},
		{"cached-1k", "file of 1 kB, open_file_cache", load{conf: "open_file_cache max=100 inactive=60s; open_file_cache_valid 60s;", path: "/1k.txt", connections: 64}, runLoad},
		{"gzip", "text of 100 kB, gzip at level 1", load{
			conf: "gzip on; gzip_comp_level 1; gzip_types text/plain;",
			path: "/text.txt", header: "Accept-Encoding: gzip", connections: 64,
		}, runLoad},
		{"routing", "`return` chosen among 1,000 server names and 500 regex locations", load{
			conf: hello, more: routingServer(), script: routingScript(), connections: 64,
		}, runLoad},
		{"proxy-1k", "1 kB passed on from an upstream", load{conf: proxied, more: backendGroup, path: "/1k", connections: 64}, runLoad},
		{"proxy-post", "4 kB posted through to an upstream", load{
			conf: proxied, more: backendGroup, path: "/post", script: postScript("4096"), connections: 64,
		}, runLoad},
		{"proxy-log", "1 kB passed on, access log on", load{
			conf: proxied + " access_log {{dir}}/access.log;", more: backendGroup, path: "/1k", connections: 64,
		}, runLoad},
		{"proxy-100k", "100 kB passed on from an upstream", load{conf: proxied, more: backendGroup, path: "/100k.txt", connections: 64}, runLoad},
		{"cached-proxy-1k", "1 kB of an upstream's, from the cache", load{conf: cachedProxy, more: backendGroup + cacheZone, path: "/1k", connections: 64}, runLoad},
		{"cached-proxy-100k", "100 kB of an upstream's, from the cache", load{conf: cachedProxy, more: backendGroup + cacheZone, path: "/100k.txt", connections: 64}, runLoad},
		{"proxy-go", "1 kB passed on, beside Go's httputil.ReverseProxy in place of nginx", load{
			conf: proxied, more: backendGroup, path: "/1k", connections: 64,
		}, runReverseProxy},
		{"http2-return", "`return` over HTTP/2 in plain text, 64 connections, 1 stream at a time", load{
			conf: hello + http2Listen, connections: 64, streams: 1,
		}, runLoad},
		{"http2-streams", "the same, 10 streams at a time on each", load{conf: hello + http2Listen, connections: 64, streams: 10}, runLoad},
		{"http2-proxy", "1 kB passed on from an upstream over HTTP/2, 16 connections, 10 streams at a time", load{
			conf: proxied + http2Listen, more: backendGroup, path: "/1k", connections: 16, streams: 10,
		}, runLoad},
		{"http2-100k", "file of 100 kB over HTTP/2, 16 connections, 2 streams at a time", load{
			conf: http2Listen, path: "/100k.txt", connections: 16, streams: 2,
		}, runLoad},
		{"websocket", "64 bytes there and back through a WebSocket", load{conf: tunneled, connections: 64}, runWebSockets},
		{"udp", "64 bytes there and back in datagrams, from 64 addresses", load{conf: hello, more: datagramServer, connections: 64}, runDatagrams},
		{"udp-one", "the same from 1 address", load{conf: hello, more: datagramServer, connections: 1}, runDatagrams},
		{"stream-echo", "64 bytes there and back through a TCP session", load{conf: hello, more: sessionServer, connections: 64}, runSessions},
		{"stream-bulk", "a MB down through a TCP session", load{conf: hello, more: sessionServer, connections: 4}, runDownloads},
		{"tls-full", "a TLS 1.3 handshake with an ECDSA key and a request", load{conf: secured("ecdsa"), script: "full", path: "/", connections: 16}, runTLS},
		{"tls-rsa", "the same with an RSA key of 2048 bits", load{conf: secured("rsa"), script: "full", path: "/", connections: 16}, runTLS},
		{"tls-resume", "a resumed TLS session and a request", load{conf: secured("ecdsa"), script: "resume", path: "/", connections: 16}, runTLS},
		{"tls-1k", "file of 1 kB over kept TLS connections", load{conf: secured("ecdsa"), script: "keep", path: "/1k.txt", connections: 64}, runTLS},
		{"tls-10m", "file of 10 MB over kept TLS connections", load{conf: secured("ecdsa"), script: "keep", path: "/10m.txt", connections: 4}, runTLS},
		{"idle-tls", "memory per idle keep-alive connection with TLS", load{conf: secured("ecdsa")}, runIdleTLS},
		{"idle-websocket", "memory per WebSocket through which nothing goes", load{conf: tunneled}, runIdleWebSockets},
		{"idle-stream", "memory per TCP session through which nothing goes", load{conf: hello, more: sessionServer}, runIdleSessions},
		{"idle", "memory per idle keep-alive connection", load{conf: hello}, runIdle},
		{"handover-idle", "reload with thousands of idle connections, requests on some", load{conf: hello}, runHandover},
		{"handover-tunnels", "the same with WebSockets, messages through some", load{conf: tunneled}, runHandover},
		{"start", "start to the first answer, one server block", load{}, runStart},
		{"reload", "HUP to the first answer of the new workers, one server block", load{}, runReload},
		{"config-test", "-t with thousands of server blocks", load{}, runConfigTest},
		{"config-start", "start with thousands of server blocks", load{}, runStart},
		{"config-reload", "reload with thousands of server blocks", load{}, runReload},
	}, poolCases()...)
}

// http2Listen is understood by every nginx that knows HTTP/2.
const http2Listen = " listen {{second}} http2;"

// choose picks the cases whose names begin with one of the comma-separated words;
// all without a word.
func choose(words string) ([]benchCase, error) {
	if words == "" {
		return cases(), nil
	}
	var chosen []benchCase
	for _, word := range strings.Split(words, ",") {
		before := len(chosen)
		for _, c := range cases() {
			if strings.HasPrefix(c.name, word) {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("no case is called %q; see -list", word)
		}
	}
	return chosen, nil
}

// writeFiles writes the files that the cases ask for.
func writeFiles(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	random := rand.New(rand.NewSource(1))
	for name, size := range map[string]int{"1k.txt": 1000, "100k.txt": 100_000, "10m.txt": 10_000_000} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(' ' + random.Intn('~'-' '))
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "text.txt"), prose(random, 100_000), 0o644)
}

// prose is size bytes that compress about as text does: words of a small language,
// the first ones far more often than the last.
func prose(random *rand.Rand, size int) []byte {
	words := make([]string, 4000)
	for i := range words {
		word := make([]byte, 2+random.Intn(8))
		for j := range word {
			word[j] = "eeetttaaooiinnsshhrrdlucmfwygpbvk"[random.Intn(33)]
		}
		words[i] = string(word)
	}
	rank := rand.NewZipf(random, 1.1, 3, uint64(len(words)-1))
	text := make([]byte, 0, size+16)
	for n := 1; len(text) < size; n++ {
		text = append(text, words[rank.Uint64()]...)
		if n%12 == 0 {
			text = append(text, ".\n"...)
		} else {
			text = append(text, ' ')
		}
	}
	return text[:size]
}

// configuration is the nginx.conf both programs get, {{port}} and {{dir}} apart.
// body is the inside of the server that answers.
func configuration(body string, more string) string {
	return `worker_processes 1;
env BATON_PPROF;
worker_rlimit_nofile 20000;
daemon off;
pid {{dir}}/nginx.pid;
error_log {{dir}}/error.log;
events { worker_connections 19000; }
http {
	default_type text/plain;
	access_log off;
	sendfile on;
	keepalive_timeout 300;
	keepalive_requests 1000000000;
	server {
		listen 127.0.0.1:{{port}};
		root {{dir}}/../html;
		` + body + `
	}
` + more + `}
`
}

// manyServers is n server blocks as a hosting company writes them.
func manyServers(n int) string {
	var b strings.Builder
	b.WriteString("\tserver_names_hash_max_size 16384;\n\tserver_names_hash_bucket_size 128;\n")
	for i := range n {
		fmt.Fprintf(&b, `	server {
		listen 127.0.0.1:{{port}};
		server_name site%[1]d.example.com www.site%[1]d.example.com;
		root {{dir}}/../html;
		index index.html index.htm;
		error_page 404 /404.html;
		location / { try_files $uri $uri/ =404; }
		location = /old { return 301 /new; }
		location /files/ { alias {{dir}}/../html/; default_type text/html; }
	}
`, i)
	}
	return b.String()
}
