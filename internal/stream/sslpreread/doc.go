// Package sslpreread is nginx's stream ssl_preread module: it looks into the
// ClientHello without ending TLS, for the name and the protocols that the client
// asks for.
//
//	map $ssl_preread_server_name $backend { mail.example.com 192.0.2.1:993; default 192.0.2.2:443; }
//	server { listen 443; ssl_preread on; proxy_pass $backend; }
//
// A server{} on the same address whose server_name is the one asked for takes the
// session over.
//
// See ngx_stream_ssl_preread_module in nginx's manual; the message is that of RFC
// 8446, section 4.1.2.
package sslpreread
