// Package proxy is nginx's stream proxy module: the bytes of a session go to a
// server and back.
//
//	server {
//		listen 5432;
//		proxy_pass db;
//		proxy_connect_timeout 1s;
//	}
//
//	session --choose--> target --connect--> peer, or the next one --relay--> end
//
// Once both sides are connected a poll.Tunnel carries the bytes: an idle session
// has no goroutine and no buffer. Sessions with a rate limit are carried by a
// goroutine for each direction.
//
// See ngx_stream_proxy_module in nginx's manual.
package proxy
