// Package access lets clients in or not by their address.
//
//	location /admin/ { allow 192.0.2.0/24; allow unix:; deny all; }
//
// The first rule that matches decides; without one the client may come in. A
// level with rules of its own does not get those of the enclosing level.
//
// See ngx_http_access_module in nginx's manual.
package access
