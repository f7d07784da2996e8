// Package gateway passes requests on to upstreams: what proxy_pass, fastcgi_pass
// and their like have in common. It chooses peers (package upstream), opens and
// keeps connections, sends the request, reads the answer's head, tries the next
// peer, and lets the body through to the client. It knows no protocol: that is a
// Codec's, which turns a request into bytes and bytes into an answer.
//
//	settings.go, table.go, sizes.go, hidden.go   directives of every *_pass, by prefix
//	upstreams.go            upstream{}, and who refers to one
//	codec.go                what a protocol has to do
//	exchange.go, pass.go    one request on its way, and what moves it on
//	connect.go, send.go     to the peer
//	head.go, lines.go, answer.go   the head of the answer, and what it does to ours
//	body.go                 the body
//	vars.go                 "$upstream_*"
//
// A request is served by its own goroutine in straight-line code. While it waits
// for the upstream a watch on the client's connection wakes it when the client
// goes away.
//
// # A protocol
//
// A module has a Codec type, whose values are pooled with the Exchange, and for
// each location a Pass, whose Serve is the content handler. For each request the
// engine calls
//
//	Begin                   whereto; may compute variables
//	AppendHead              what comes before the body
//	PieceHead, PieceTail    around each piece of the body
//	AppendEnd               behind the last one
//	Restart                 before the same request goes to another peer
//	ReadHead                until the head of the answer is complete
//	StartBody, ReadBody     until the body is
//
// Behaviour and sentences are those of ngx_http_upstream.c.
package gateway
