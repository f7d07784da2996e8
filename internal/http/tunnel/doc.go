// Package tunnel answers CONNECT: it opens a connection and carries bytes to and
// fro.
//
//	server {
//		listen 3128;
//		resolver 127.0.0.1;
//		tunnel_pass;
//	}
//
// What follows the answer is a tunnel of the core's, as that of an upgraded
// connection: at rest while nothing comes, and it goes on in another worker after
// a reload or an upgrade. See ngx_http_tunnel_module in nginx's manual.
package tunnel
