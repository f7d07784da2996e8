package main

import (
	"context"
	"strings"
)

// proxied is the inside of the server block that passes everything on, over
// connections that are kept.
const proxied = `location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }`

// cachedProxy is proxied with what it has got kept in a cache, and cacheZone is the
// cache, beside the server.
const (
	cachedProxy = proxied + ` proxy_cache kept; proxy_cache_valid 1h; sendfile on;`
	cacheZone   = "	proxy_cache_path {{dir}}/kept levels=1:2 keys_zone=kept:10m;\n"
)

// backendGroup is the upstream of proxied, beside the server.
const backendGroup = `	upstream backend { server {{backend}}; keepalive 128; }
`

// startBackend runs what both programs pass requests on to, beside the load, and
// returns it. It is an nginx whichever programs are measured: 1 kB without touching
// a file, the files below their names, and an answer to whatever is posted.
func (b *bench) startBackend(ctx context.Context) (*server, error) {
	conf := configuration(`location = /1k { return 200 "`+strings.Repeat("0123456789", 100)+`"; }
		location = /post { return 200 "taken\n"; }`, "")
	s, err := b.newServer(program{name: "backend", path: b.nginx}, conf)
	if err != nil {
		return nil, err
	}
	s.core = loadCore
	return s, s.start(ctx)
}

// postScript posts size bytes with each request.
func postScript(size string) string {
	return `wrk.method = "POST"
wrk.body = string.rep("x", ` + size + `)
wrk.headers["Content-Type"] = "application/octet-stream"
`
}
