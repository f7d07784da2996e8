// Package h2up is HTTP/2 with upstreams: what the codecs behind proxy_pass, with
// "proxy_http_version 2", and grpc_pass have in common. As in nginx a connection has
// one stream at a time, and is kept for the next one.
//
//	head.go     the request's head
//	stream.go   the rest of a [gateway.Duplex]
package h2up
