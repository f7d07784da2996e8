// Package proxyproto reads and writes the header with which a proxy tells the
// next server who the client is: the PROXY protocol, versions 1 (a line of text)
// and 2 (binary, with TLVs). It does no I/O and knows no server.
//
// What is accepted, and the sentences of its errors, are those of nginx's
// ngx_proxy_protocol.c: the whole header has to be there at once, addresses of
// version 1 are taken as they stand, and what is not about a TCP connection over
// IP (UNKNOWN, LOCAL, datagrams, unix sockets) says nothing about the client: the
// header is skipped and the connection's own addresses hold.
//
// See https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt.
package proxyproto
